"""Parquet files with the images inside, as Hugging Face data sets are published.

A column holds bytes, or structs of bytes and path. Only the row group that is being read is in
memory; the other columns are read like any table.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.datasets.dataset import DatasetError
from pipeline.images import looks_like_image
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.table_columns import all_columns, choose_columns
from pipeline.ingest.layouts.table_files import Table, may_hold_images
from pipeline.ingest.layouts.table_rows import Chosen, read_rows
from pipeline.ingest.tree import File, FileTree, ReadError

TITLE = "parquet with the images inside"
_PATH = "file_name"  # our name for the images, as the path column of the table
_HEAD_BYTES = 16


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise a column whose first value is an image."""
    names = [file.name for file in _files(tree) if _opened(file, tree) is not None]
    return (0.97, f"images inside {', '.join(names[:3])}") if names else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read one item per row.

    Raises:
        DatasetError: no parquet file holds images, or a named column is not there.
    """
    tables: list[Chosen] = []
    rows: list[File] = []
    for file in _files(tree):
        opened = _opened(file, tree)
        if opened is None:
            continue
        frame = opened.table()
        images = tuple(opened.image(number) for number in range(len(frame)))
        frame[_PATH] = [image.name for image in images]
        rows += images
        wanted = options.model_copy(update={"path_column": _PATH})
        columns = choose_columns(Table(frame), FileTree(tree.name, images), "", wanted)
        assert columns is not None  # the path column is there
        tables.append(Chosen(file, Table(frame), columns))
    if not tables:
        raise DatasetError(f"no parquet file of {tree.name} has a column of images")
    whole = replace(tree, files=(*tree.files, *rows), _parsed={})
    finder = Finder(FileTree(tree.name, tuple(rows)))
    read_in = read_rows(tables, tree, finder)
    made = reading(
        whole,
        read_in.records,
        finder.problems,
        label_files=[entry.file for entry in tables],
        kinds=read_in.kinds,
        notes=read_in.notes,
        warnings=read_in.warnings,
    )
    columns_of = all_columns([entry.table for entry in tables])
    return replace(made, columns=columns_of, chosen=tables[0].columns)


@dataclass(frozen=True, eq=False)
class _Opened:
    """A parquet file with a column of images."""

    file: File
    parquet: pq.ParquetFile
    column: str

    def table(self) -> pd.DataFrame:
        """All columns but the images, integers of named classes as their names."""
        names = [name for name in self.parquet.schema_arrow.names if name != self.column]
        table: pd.DataFrame = self.parquet.read(names).to_pandas()
        for name, classes in _class_names(self.parquet.schema_arrow).items():
            if name in table:
                table[name] = [_named(value, classes) for value in table[name].tolist()]
        return table

    def image(self, row: int) -> File:
        """The image of a row as a file of its own; its bytes are read when they are needed."""
        name = f"{PurePosixPath(self.file.name).with_suffix('')}/{row:08d}"

        def read() -> bytes:
            content = _content(self._value(row))
            if content is None:
                raise ReadError("the row holds no image")
            return content

        def head() -> bytes:
            return read()[:_HEAD_BYTES]

        return File(name, self._mean_bytes, read, head, f"{self.file.stamp} {row}")

    @cached_property
    def _mean_bytes(self) -> int:
        """Mean size of an image before compression, as the file's own statistics say."""
        groups = [self.parquet.metadata.row_group(n) for n in range(self.parquet.num_row_groups)]
        chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
        column_chunks = [c for c in chunks if c.path_in_schema.split(".")[0] == self.column]
        total = sum(chunk.total_uncompressed_size for chunk in column_chunks)
        return int(total / max(self.parquet.metadata.num_rows, 1))

    def _value(self, row: int) -> object:
        metadata, group, first = self.parquet.metadata, 0, 0
        while row >= first + metadata.row_group(group).num_rows:
            first += metadata.row_group(group).num_rows
            group += 1
        return _row_group(self, group)[row - first]


@lru_cache(maxsize=1)  # rows are read in order
def _row_group(opened: _Opened, group: int) -> list[object]:
    """The images of one row group.

    Raises:
        ReadError: it is damaged.
    """
    try:
        values: list[object] = (
            opened.parquet.read_row_group(group, [opened.column]).column(0).to_pylist()
        )
    except (OSError, pa.ArrowException) as error:
        raise ReadError(f"row group {group} cannot be read: {error}") from error
    return values


def _files(tree: FileTree) -> Sequence[File]:
    return [tree.main] if tree.main else tree.files


def _opened(file: File, tree: FileTree) -> _Opened | None:
    """The file with its column of images; None for any other file."""
    return tree.parsed(file, _open) if file.suffix == ".parquet" else None


def _open(file: File) -> _Opened | None:
    try:
        parquet = pq.ParquetFile(file.path if file.path else io.BytesIO(file.read()))
        for column in parquet.schema_arrow:
            if not may_hold_images(column.type):
                continue
            first = next(parquet.iter_batches(1, columns=[column.name]), None)
            content = _content(first.column(0)[0].as_py()) if first else None
            if content and looks_like_image(content[:_HEAD_BYTES]):
                return _Opened(file, parquet, column.name)
    except (OSError, pa.ArrowException):  # damaged: the layouts that read tables say so
        return None
    return None


def _content(value: object) -> bytes | None:
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else None


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of the classes of integer columns, which Hugging Face keeps in the schema."""
    try:
        facts = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = facts.get("info", {}).get("features", {})
        single = {name: kind.get("feature", kind) for name, kind in features.items()}  # or of lists
        return {
            name: [str(label) for label in kind["names"]]
            for name, kind in single.items()
            if isinstance(kind.get("names"), list)
        }
    except (ValueError, AttributeError):  # written by somebody else: numbers stay numbers
        return {}


def _named(value: Any, classes: list[str]) -> Any:
    """The name of a class number, or those of a list; none for -1 and what else is no such number.

    Example:
        >>> _named(1, ["cat", "dog"]), _named([0, 1], ["cat", "dog"]), _named(-1, ["cat", "dog"])
        ('dog', ['cat', 'dog'], '')
    """
    if isinstance(value, list | np.ndarray):
        return [_named(item, classes) for item in value]
    is_number = isinstance(value, int | float | np.number) and value == value
    return classes[int(value)] if is_number and 0 <= value < len(classes) else ""
