"""Which columns of a table hold paths, labels, parts and captions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import PurePosixPath

import pandas as pd

from models.wording import unknown
from pipeline.datasets.dataset import DatasetError
from pipeline.images import SUFFIXES
from pipeline.ingest.layouts.cell_values import is_binary, text
from pipeline.ingest.layouts.cells import PLURALS
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.layouts.table_files import PATHS, Table
from pipeline.ingest.split_words import split_word
from pipeline.ingest.tree import FileTree

OWN_LABELS = "labels:"  # columns of data sets that HashLens exported
# Usual names of columns, the most telling first.
_LABELS = (
    "label_name",
    "class_name",
    *PLURALS,
    "label",
    "class",
    "category",
    "tag",
    "choice",
    "target",
    "species",
    "breed",
    "y",
    "objects",
)
_SPLITS = (
    "split",
    "subset",
    "partition",
    "set",
    "part",
    "phase",
    "usage",
    "is_train",
    "is_training",
    "is_training_img",
    "is_test",
    "is_valid",
    "is_val",
    "is_validation",
)
_TEXTS = ("text", "caption", "description", "title")
_OTHERS = (
    "group",
    "image_id",
    "row",
    "index",
    "width",
    "height",
    "fold",
    "folds",
    "kfold",
)  # never labels unless named
_LABEL_WORD = re.compile(r"label|class|categor|species|breed|diagnosis", re.IGNORECASE)
_PROBE = 50  # rows looked at to see whether a column names files


def choose_columns(
    table: Table, tree: FileTree, base: str, options: ReadOptions
) -> ReadOptions | None:
    """The options with the columns that were left open filled in; None without a path column.

    Args:
        table: table to read.
        tree: tree where its files are.
        base: folder of the table.
        options: columns that the user named win.

    Raises:
        DatasetError: a named column is not there.
    """
    frame = table.frame
    columns = [str(column) for column in frame.columns]
    given = (options.path_column, *options.label_columns, options.split_column, options.text_column)
    for name in filter(None, given):
        if name not in columns:
            raise DatasetError(unknown("column", name, tuple(columns)))
    path = options.path_column or _path_column(frame, tree, base)
    if not path:
        return None
    rest = [column for column in columns if column != path]
    split = options.split_column or _split_column(frame, rest)
    caption = options.text_column or _named(rest, _TEXTS)
    rest = [column for column in rest if column not in (split, caption)]
    prefixed = tuple(column for column in rest if column.startswith(OWN_LABELS))
    guessed = prefixed or _guessed_labels(frame, rest)
    return options.model_copy(
        update={
            "path_column": path,
            "label_columns": options.label_columns or guessed,
            "split_column": split,
            "text_column": caption,
        }
    )


def path_share(frame: pd.DataFrame, column: str, tree: FileTree, base: str) -> float:
    """The share of the first rows whose cell names a file of the tree."""
    probe = [text(value) for value in frame[column].head(_PROBE)]
    return sum(tree.names.find(value, base) is not None for value in probe) / max(len(probe), 1)


def found_share(frame: pd.DataFrame, column: str, tree: FileTree, base: str) -> float:
    """Share of paths as `path_share`; by numbers of images where a column of ids names no file.

    Rows are numbered too: a column is not chosen by this, but believed when its name chose it.
    """
    share = path_share(frame, column, tree, base)
    if share or column.lower() not in PATHS:
        return share
    probe = [text(value) for value in frame[column].head(_PROBE)]
    return sum(tree.names.by_number(value) is not None for value in probe) / max(len(probe), 1)


def headed(table: Table, tree: FileTree, base: str, header: str) -> tuple[Table, tuple[str, ...]]:
    """The table with its first line as names or as a row, and what was found out about that.

    Args:
        table: table with its first line as names.
        tree: a first line that names an image of it is a row.
        base: folder of the table.
        header: `yes`, `no`, or empty to find out.
    """
    if not table.header or header == "yes":
        return table, ()
    if header == "no":
        return table.with_header_as_row(), ()
    cells = table.header
    if not any(_names_image(cell, tree, base) for cell in cells):
        return table, ()
    return table.with_header_as_row(), ("no header: the first line names an image and is a row",)


def unchosen(table: Table, chosen: ReadOptions) -> list[str]:
    """Columns that could hold labels when none was recognised."""
    used = {chosen.path_column, chosen.split_column, chosen.text_column, *_OTHERS}
    return [str(name) for name in table.frame.columns if str(name) not in used]


def _names_image(cell: str, tree: FileTree, base: str) -> bool:
    if PurePosixPath(cell).suffix.lower() in SUFFIXES:
        return True
    return cell.lower() not in PATHS and tree.names.find(cell, base) is not None


def _named(columns: Sequence[str], wanted: Sequence[str]) -> str:
    """The first column that has one of the wanted names, by their order."""
    by_name = {column.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in wanted if name in by_name), "")


def _path_column(frame: pd.DataFrame, tree: FileTree, base: str) -> str:
    """The column that names most files, a usual name deciding between equals."""
    texts = [
        column
        for column in map(str, frame.columns)
        if frame[column].dtype.kind in "OUT" or column.lower() in PATHS
    ]
    share = {column: path_share(frame, column, tree, base) for column in texts}
    usual = {c: len(PATHS) - PATHS.index(c.lower()) for c in texts if c.lower() in PATHS}
    likely = [column for column in texts if share[column] > 0 or column in usual]
    best = max(likely, key=lambda c: (share[c], usual.get(c, 0)), default="")
    written = [column for column in texts if _is_of_image_names(frame, column)]
    if written and best not in written:  # numbers that happen to be names mean no images then
        return written[0]
    return best


def _is_of_image_names(frame: pd.DataFrame, column: str) -> bool:
    """Whether the cells are names with the suffixes of images."""
    probe = [text(value).lower() for value in frame[column].head(_PROBE)]
    return bool(probe) and all(name.endswith(SUFFIXES) for name in probe)


def _split_column(frame: pd.DataFrame, columns: Sequence[str]) -> str:
    """A usual name, or else the column all of whose cells are words for parts."""
    named = _named(columns, _SPLITS)
    if named:
        return named
    for column in columns:
        words = {text(cell) for cell in frame[column].head(1000)}
        parts = {split_word(word) for word in words}
        if len(parts) > 1 and "" not in parts:
            return column
    return ""


def _guessed_labels(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that probably hold labels: by name, as columns of 0 and 1, or as they repeat."""
    free = [column for column in columns if column.lower() not in _OTHERS]
    named = _named(free, _LABELS) or _like_labels(free)
    if named:
        return (named,)
    if any(re.fullmatch(r"column \d+", column) for column in free):  # no header tells them apart
        return _categories(frame, free) or _one_hot(frame, free)
    if "name" in free and _categories(frame, ["name"]):  # beside attributes of objects
        return ("name",)
    return _one_hot(frame, free) or _categories(frame, free)


def is_usual(columns: set[str]) -> bool:
    """Whether one of the columns is called after labels."""
    return any(column in _LABELS or _LABEL_WORD.search(column) for column in columns)


def _like_labels(columns: Sequence[str]) -> str:
    """The only column with a word for labels in its name, such as `Finding Labels`; or nothing."""
    matching = [column for column in columns if _LABEL_WORD.search(column)]
    words = [column for column in matching if re.search(r"name|text", column, re.IGNORECASE)]
    return next((some[0] for some in (matching, words) if len(some) == 1), "")


def _one_hot(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of 0 and 1; empty when there are fewer than two."""
    binary = tuple(column for column in columns if is_binary(frame[column]))
    return binary if len(binary) > 1 else ()


def _categories(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """The only column whose values repeat as those of classes do."""
    candidates = []
    for column in columns:
        values = [text(cell) for cell in frame[column]]
        distinct = set(filter(None, values))
        if 1 < 2 * len(distinct) <= len(values):
            candidates.append(column)
    return tuple(candidates) if len(candidates) == 1 else ()


def all_columns(tables: Sequence[Table]) -> tuple[str, ...]:
    """Names of the columns of several tables, each once."""
    names = chain.from_iterable(map(str, table.frame.columns) for table in tables)
    return tuple(dict.fromkeys(names))
