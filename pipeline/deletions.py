"""Deletions of data sets with their dependents: noted first, and finished after a kill.

datasets/.<name>.deleting   is there as long as the deletion is not done
datasets/.<name>.deleted    images on their way out, as .<run>.deleted among the runs
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from models.wording import unknown
from pipeline.datasets.dataset import NAME_PATTERN, DatasetError, list_datasets
from pipeline.index.publish import drop_index, read_index
from pipeline.index.store.base import CodeStore, StoreError
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.sums import remove

_DELETING = ".deleting"


@dataclass(frozen=True)
class Dependents:
    """Dependents of a data set: runs and indexes that were made from it.

    Attributes:
        runs: all of them.
        n_published: how many of them have an index.
    """

    runs: tuple[Run, ...]
    n_published: int

    def __str__(self) -> str:
        """Describe the dependents for a confirmation."""
        runs = f"{len(self.runs)} run{'' if len(self.runs) == 1 else 's'}"
        indexes = f"{self.n_published} index{'' if self.n_published == 1 else 'es'}"
        return f"{runs} and {indexes}"


def dependents_of(name: str, settings: Settings) -> Dependents:
    """The runs and indexes made from a data set."""
    runs = tuple(run for run in RunRegistry(settings).all() if run.spec.dataset == name)
    return Dependents(runs, sum(read_index(run) is not None for run in runs))


def delete_with_all(name: str, settings: Settings, store: CodeStore) -> Dependents:
    """Remove a data set with its indexes, runs and thumbnails; returns what hung on it.

    Features stay: they belong to the content of images, which other data sets may share. What is
    wanted is noted first: a kill leaves a deletion that `finish_deletions`, or this again, ends.

    Raises:
        DatasetError: no such data set, or a run on it is being executed.
        StoreError: an index cannot be dropped; the data set is still there.
    """
    note = _deletion_note(name, settings)
    if not note.is_file():
        existing_dataset(name, settings)  # damaged ones can be deleted, too
    dependents = dependents_of(name, settings)
    busy = next((run for run in dependents.runs if is_executed(run)), None)
    if busy is not None:
        raise DatasetError(f"run {busy.id} is being executed; stop it first")
    registry = RunRegistry(settings)
    note.touch()
    try:
        for run in dependents.runs:
            drop_index(run, store)
            registry.delete(run)
    except StoreError:
        note.unlink()  # said, and to be asked for again
        raise
    _remove_folders(name, settings)
    note.unlink()
    return dependents


def is_executed(run: Run) -> bool:
    """Whether a process executes a run; one whose process was killed is queued again."""
    return run.state() == "running" and not run.recover()


def unfinished_deletions(settings: Settings) -> list[str]:
    """Names of data sets whose deletion was interrupted."""
    notes = settings.datasets_path.glob(f".*{_DELETING}")
    return sorted(note.name.removeprefix(".").removesuffix(_DELETING) for note in notes)


def finish_deletions(settings: Settings, open_store: Callable[[], CodeStore]) -> list[str]:
    """End what a kill has interrupted: deletions of data sets, and hidden folders of any.

    Args:
        settings: say where the library is.
        open_store: gives the store of its indexes; called where it is needed alone.

    Returns:
        names of the data sets that are gone now.

    Raises:
        StoreError: an index cannot be dropped.
        OSError: a folder cannot be removed.
    """
    names = unfinished_deletions(settings)
    if names:
        store = open_store()
        try:
            for name in names:
                delete_with_all(name, settings, store)
        finally:
            store.close()
    for folder in (settings.datasets_path, settings.runs_path, settings.features_path):
        for doomed in folder.glob(".*.deleted"):
            shutil.rmtree(doomed, ignore_errors=True)  # another process may be at it
    return names


def delete_dataset(name: str, settings: Settings) -> None:
    """Remove an imported data set and its thumbnails. Its runs and index are not touched.

    Raises:
        DatasetError: no such data set.
    """
    existing_dataset(name, settings)
    _remove_folders(name, settings)


def _remove_folders(name: str, settings: Settings) -> None:
    folder = settings.datasets_path / name
    doomed = folder.with_name(f".{name}.deleted")
    if folder.is_dir():
        shutil.rmtree(doomed, ignore_errors=True)  # left by a deletion that was interrupted
        folder.rename(doomed)  # out of sight at once; the rest can be interrupted
    if doomed.is_dir():
        shutil.rmtree(doomed)
    shutil.rmtree(settings.home / "thumbs" / name, ignore_errors=True)
    remove(settings.home / "duplicates" / f"{name}.npz")


def _deletion_note(name: str, settings: Settings) -> Path:
    return settings.datasets_path / f".{name}{_DELETING}"


def existing_dataset(name: str, settings: Settings) -> Path:
    """Folder of a data set, damaged or half deleted as it may be.

    Raises:
        DatasetError: no such data set.
    """
    folder = settings.datasets_path / name
    is_there = re.fullmatch(NAME_PATTERN, name) and (
        folder.is_dir()
        or folder.with_name(f".{name}.deleted").is_dir()  # a deletion that was interrupted
    )
    if not is_there:
        known = tuple(info.name for info in list_datasets(settings))
        raise DatasetError(unknown("data set", name, known))
    return folder
