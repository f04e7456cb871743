"""The images of a data set as files called by their ids, for those who look them up by name."""

from __future__ import annotations

from pathlib import PurePosixPath

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.images import SUFFIXES
from pipeline.ingest.tree import File


def stored_files(dataset: RetrievalDataset) -> tuple[list[File], dict[str, int]]:
    """A file for each image, with the suffix of its picture where the id has none; and their rows.

    Returns:
        The files in manifest order, and the manifest row of each by the file's name.
    """
    files, row_of = [], {}
    columns = dataset.manifest["image_id"], dataset.manifest["path"]
    for row, (image_id, path) in enumerate(zip(*columns, strict=True)):
        has_suffix = image_id.lower().endswith(SUFFIXES)
        name = image_id if has_suffix else image_id + PurePosixPath(path).suffix
        read = dataset.image_path(row).read_bytes
        files.append(File(name, 0, read, read, ""))
        row_of[name] = row
    return files, row_of
