"""Reading tables of paths and labels: formats, columns and cells; shared by two layouts."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.registry import unknown
from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import ReadOptions, Record
from pipeline.datasets.problems import Problem
from pipeline.datasets.source import Kind
from pipeline.datasets.tree import File, FileTree, split_word

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
OWN_LABELS = "labels:"  # columns of data sets that HashLens exported
# Usual names of columns, the most telling first.
_PATHS = (
    "file_name",
    "filename",
    "path",
    "file",
    "filepath",
    "file_path",
    "image_path",
    "image",
    "img",
    "img_path",
    "image_name",
    "image_id",
    "id",
)
_LABELS = (
    "label_name",
    "class_name",
    "labels",
    "tags",
    "categories",
    "classes",
    "label",
    "class",
    "category",
    "tag",
    "target",
    "species",
    "y",
    "objects",
)
_SPLITS = ("split", "subset", "partition", "set", "part")
_TEXTS = ("text", "caption", "description", "title")
_PLURALS = ("labels", "tags", "categories", "classes")
_PROBE = 50  # rows looked at to see whether a column names files


def parse_table(file: File) -> pd.DataFrame | None:
    """The table in a file; None when it holds something else.

    Raises:
        DatasetError: it is meant to be a table but damaged.
    """
    try:
        content = file.read()
        if file.suffix == ".parquet":
            schema = pq.read_schema(io.BytesIO(content))
            plain = [column.name for column in schema if not may_hold_images(column.type)]
            return pd.read_parquet(io.BytesIO(content), columns=plain)
        text = content.decode("utf-8-sig")
        if file.suffix in (".csv", ".tsv"):
            head = text.split("\n", 1)[0]
            separator = max(",;\t", key=head.count)
            return pd.read_csv(
                io.StringIO(text), sep=separator, dtype=str, keep_default_na=False
            ).rename(columns=str.strip)
        if file.suffix == ".json":
            return _from_json(json.loads(text))
        return pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()])
    except (ValueError, OSError, RecursionError) as error:  # pandas and pyarrow raise ValueErrors
        raise DatasetError(f"{file.name} is no readable table ({error})") from error


def may_hold_images(kind: pa.DataType) -> bool:
    """Whether a parquet column of this type can hold the bytes of images."""
    if pa.types.is_struct(kind):
        return "bytes" in {kind.field(i).name for i in range(kind.num_fields)}
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def choose_columns(
    table: pd.DataFrame, tree: FileTree, base: str, options: ReadOptions
) -> ReadOptions | None:
    """The options with the columns that were left open filled in; None without a path column.

    Args:
        table: to read.
        tree: where its files are.
        base: folder of the table.
        options: columns that the user named win.

    Raises:
        DatasetError: a named column is not there.
    """
    columns = [str(column) for column in table.columns]
    asked = (options.path_column, *options.label_columns, options.split_column, options.text_column)
    for name in filter(None, asked):
        if name not in columns:
            raise DatasetError(unknown("column", name, tuple(columns)))
    path = options.path_column or _path_column(table, tree, base)
    if not path:
        return None
    rest = [column for column in columns if column != path]
    split = options.split_column or _named(rest, _SPLITS)
    text = options.text_column or _named(rest, _TEXTS)
    rest = [column for column in rest if column not in (split, text)]
    own = tuple(column for column in rest if column.startswith(OWN_LABELS))
    named = _named(rest, _LABELS)
    labels = options.label_columns or own or ((named,) if named else _one_hot(table, rest))
    return options.model_copy(
        update={
            "path_column": path,
            "label_columns": labels,
            "split_column": split,
            "text_column": text,
        }
    )


def path_share(table: pd.DataFrame, column: str, tree: FileTree, base: str) -> float:
    """The share of the first rows whose cell names a file of the tree."""
    probe = [str(value) for value in table[column].head(_PROBE)]
    return sum(tree.find(value, base) is not None for value in probe) / max(len(probe), 1)


def table_records(
    table: pd.DataFrame, file: File, tree: FileTree, options: ReadOptions
) -> tuple[list[Record], list[Problem], dict[str, Kind]]:
    """A record a row, rows whose file is not there, and the label sets that are multi-label.

    Args:
        table: to read.
        file: it came from; a word in its name, as in `train.csv`, is the part of its rows.
        tree: where its files are.
        options: with all columns chosen.
    """
    base = "/".join(file.parts[:-1])
    words = (*file.parts[:-1], *file.stem.replace("-", "_").split("_"))
    default = next((split_word(word) for word in words if split_word(word)), "")
    names, rows, kinds = _label_sets(table, options)
    splits = [split_word(str(v)) for v in _cells(table, options.split_column)] or [default] * len(
        rows
    )
    texts = _texts(table, options.text_column)
    groups, ids = _texts(table, "group"), _texts(table, "image_id")
    records, problems = [], []
    for number, cell in enumerate(table[options.path_column]):
        found = tree.find(str(cell), base)
        if found is None:
            problems.append(Problem(str(cell), f"named in {file.name}, not there"))
            continue
        labels = dict(zip(names, rows[number], strict=True))
        own_id = ids[number] if options.path_column != "image_id" else ""
        records.append(Record(found, labels, splits[number], texts[number], groups[number], own_id))
    return records, problems, kinds


def cell_labels(value: Any, separator: str) -> tuple[str, ...]:
    """The class names in one cell: text, a number, a list, or text that holds several.

    Example:
        >>> cell_labels("cat | dog", "|"), cell_labels(["cat"], ""), cell_labels(3.0, "")
        (('cat', 'dog'), ('cat',), ('3',))
    """
    if isinstance(value, dict):
        value = value.get("categories", value.get("category", value.get("labels", ())))
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, list | tuple | np.ndarray):
        parts: Iterable[object] = value
    elif isinstance(value, str):
        parts = value.split(separator) if separator else (value,)
    else:
        parts = () if value is None or value != value else (value,)
    found = (str(int(p)) if isinstance(p, float) and p.is_integer() else str(p) for p in parts)
    return tuple(dict.fromkeys(name.strip() for name in found if name.strip()))


def _from_json(document: Any) -> pd.DataFrame | None:
    """A list of objects, columns, or an object of paths and their labels."""
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return pd.DataFrame(document)
    if isinstance(document, dict) and document:
        values = list(document.values())
        if all(isinstance(value, list) for value in values) and _is_named(document, _PATHS):
            return pd.DataFrame(document)
        if all(isinstance(value, str | int | list) for value in values):
            return pd.DataFrame({"file_name": list(document), "label": values})
    return None


def _is_named(names: Iterable[str], wanted: Sequence[str]) -> bool:
    return any(name.lower() in wanted for name in names)


def _named(columns: Sequence[str], wanted: Sequence[str]) -> str:
    """The first column that has one of the wanted names, by their order."""
    by_name = {column.lower(): column for column in reversed(columns)}
    return next((by_name[name] for name in wanted if name in by_name), "")


def _path_column(table: pd.DataFrame, tree: FileTree, base: str) -> str:
    """The column that names most files, a usual name deciding between equals."""
    texts = [c for c in map(str, table.columns) if table[c].dtype.kind in "OUT" or c == "id"]
    share = {column: path_share(table, column, tree, base) for column in texts}
    usual = {c: len(_PATHS) - _PATHS.index(c.lower()) for c in texts if c.lower() in _PATHS}
    likely = [column for column in texts if share[column] > 0 or column in usual]
    return max(likely, key=lambda c: (share[c], usual.get(c, 0)), default="")


def _one_hot(table: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of 0 and 1; empty when there are fewer than two."""
    found = tuple(c for c in columns if _is_binary(table[c]))
    return found if len(found) > 1 else ()


def _is_binary(column: pd.Series[Any]) -> bool:
    return {str(value) for value in column.head(1000)} <= {"0", "1", "0.0", "1.0", "True", "False"}


def _label_sets(
    table: pd.DataFrame, options: ReadOptions
) -> tuple[list[str], list[tuple[tuple[str, ...], ...]], dict[str, Kind]]:
    """Names of the label sets, the labels of every row in each, and those that are multi-label."""
    columns = options.label_columns
    if len(columns) > 1 and all(_is_binary(table[column]) for column in columns):
        classes = np.array([name.removeprefix(_prefix(columns)) for name in columns])
        hot = np.isin(table[list(columns)].astype(str), ["1", "1.0", "True"])
        return ["class"], [(tuple(classes[row]),) for row in hot], {"class": "multi"}
    names = [_set_name(column, len(columns)) for column in columns]
    separators = [options.separator or _separator(table[c], c) for c in columns]
    rows = [
        tuple(cell_labels(v, s) for v, s in zip(values, separators, strict=True))
        for values in (zip(*(table[c] for c in columns), strict=True) if columns else ())
    ]
    multi: dict[str, Kind] = {
        name: "multi"
        for name, separator, column in zip(names, separators, columns, strict=True)
        if (separator or _holds_lists(table[column])) and not column.startswith(OWN_LABELS)
    }
    return names, rows or [()] * len(table), multi


def _set_name(column: str, n_columns: int) -> str:
    """A single usual label column makes the label set `class`, others keep their names."""
    if column.startswith(OWN_LABELS):
        return column.removeprefix(OWN_LABELS)
    return "class" if n_columns == 1 else column


def _prefix(columns: Sequence[str]) -> str:
    """What all names of one-hot columns begin with up to an underscore, such as `y_`."""
    first = columns[0].split("_", 1)[0] + "_"
    return first if all(name.startswith(first) and name != first for name in columns) else ""


def _separator(column: pd.Series[Any], name: str) -> str:
    """`|` or `;` where a cell has one; a comma only in columns that are named for several."""
    texts = [value for value in column if isinstance(value, str) and not value.startswith("[")]
    marks = ("|", ";", ",") if name.lower() in _PLURALS else ("|", ";")
    return next((mark for mark in marks if any(mark in text for text in texts)), "")


def _holds_lists(column: pd.Series[Any]) -> bool:
    def is_list(value: object) -> bool:
        starts = isinstance(value, str) and value.startswith("[")
        return starts or isinstance(value, list | tuple | np.ndarray | dict)

    return any(map(is_list, column.head(_PROBE)))


def _cells(table: pd.DataFrame, column: str) -> list[Any]:
    return list(table[column]) if column else []


def _texts(table: pd.DataFrame, column: str) -> list[str]:
    if column not in table.columns:
        return [""] * len(table)
    return ["" if value is None or value != value else str(value) for value in table[column]]
