"""The imagefolder of Hugging Face: metadata.csv, .jsonl or .parquet beside the images."""

from __future__ import annotations

from pipeline.datasets.layouts import class_folders
from pipeline.datasets.layouts.reading import Reading, ReadOptions
from pipeline.datasets.layouts.table import read_tables
from pipeline.datasets.tree import File, FileTree

TITLE = "imagefolder with metadata"
_SUFFIXES = (".csv", ".jsonl", ".parquet")


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where there is a metadata file."""
    files = _metadata(tree)
    return (0.98, ", ".join(file.name for file in files)) if files else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Labels from the metadata; where it has none, from the folders.

    Raises:
        DatasetError: the metadata has no column `file_name`, or is damaged.
    """
    options = options.model_copy(update={"path_column": options.path_column or "file_name"})
    made = read_tables(tree, _metadata(tree), options)
    if made.kinds or options.label_columns or not class_folders.has_classes(tree, options):
        return made
    return class_folders.read(tree, options, label_files=_metadata(tree))


def _metadata(tree: FileTree) -> list[File]:
    return [f for f in tree.files if f.stem == "metadata" and f.suffix in _SUFFIXES]
