"""The imagefolder of Hugging Face: metadata.csv, .jsonl or .parquet beside the images."""

from __future__ import annotations

from contextlib import suppress

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts import class_folders
from pipeline.ingest.layouts.reading import Reading, ReadOptions
from pipeline.ingest.layouts.table import read_tables
from pipeline.ingest.layouts.table_files import Table, parse_table
from pipeline.ingest.tree import File, FileTree

TITLE = "imagefolder with metadata"
_SUFFIXES = (".csv", ".jsonl", ".parquet")


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise a metadata file."""
    files = _metadata(tree)
    return (0.98, ", ".join(file.name for file in files)) if files else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read labels from the metadata; where it has none, from the folders.

    Raises:
        DatasetError: the metadata has no column with paths, or is damaged.
    """
    path_column = options.path_column or _path_column(tree, options)
    options = options.model_copy(update={"path_column": path_column})
    made = read_tables(tree, _metadata(tree), options)
    if made.kinds or options.label_columns or not class_folders.has_classes(tree, options):
        return made
    return class_folders.read(tree, options, label_files=_metadata(tree))


def _metadata(tree: FileTree) -> list[File]:
    return [f for f in tree.files if f.stem == "metadata" and f.suffix in _SUFFIXES]


def _path_column(tree: FileTree, options: ReadOptions) -> str:
    """The column `file_name`, or else one such as `image_file_name`; empty to find it by itself."""
    columns: dict[str, int] = {}
    for file in _metadata(tree):
        table: Table | None = None
        with suppress(DatasetError):  # said where the tables are read
            table = tree.parsed(file, parse_table, options.encoding)
        for name in map(str, table.frame.columns) if table else ():
            columns[name] = columns.get(name, 0) + 1
    in_all = [name for name, n in columns.items() if n == max(columns.values())]
    usual = ("file_name", "image_file_name", *(n for n in in_all if n.endswith("_file_name")))
    return next((name for name in usual if name in in_all), "")
