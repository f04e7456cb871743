"""Data sets that cannot be read, each with the file, the reason and what to do."""

from __future__ import annotations

from pipeline.datasets.dataset import DatasetError, again_command, dataset_folders, read_info
from pipeline.settings import Settings


def damaged_datasets(settings: Settings) -> dict[str, str]:
    """Why the facts or the manifest of a data set cannot be read, by its name."""
    reasons = {}
    for folder in dataset_folders(settings):
        try:
            manifest = folder / read_info(folder).manifest
            if not manifest.is_file():
                raise DatasetError(f"{manifest} is missing; {again_command(folder.name)}")
        except DatasetError as error:
            reasons[folder.name] = str(error)
    return reasons
