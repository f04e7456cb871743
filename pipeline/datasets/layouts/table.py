"""A table of paths and labels: CSV, TSV, JSON, JSON lines or parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, Record, reading
from pipeline.datasets.layouts.tables import (
    TABLE_SUFFIXES,
    choose_columns,
    parse_table,
    path_share,
    table_records,
)
from pipeline.datasets.problems import Problem
from pipeline.datasets.source import Kind
from pipeline.datasets.tree import File, FileTree

TITLE = "table of paths and labels"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """The more paths of the table are there, the likelier."""
    shares = {}
    for file in _table_files(tree):
        try:
            table = tree.parsed(file, parse_table)
        except DatasetError:
            continue
        base = "/".join(file.parts[:-1])
        chosen = None if table is None else choose_columns(table, tree, base, options)
        if table is not None and chosen is not None:
            shares[file.name] = path_share(table, chosen.path_column, tree, base)
    if not shares:
        return None
    best = max(shares.values())
    return 0.94 * best + 0.02, f"{100 * best:.0f} % of the paths in {', '.join(shares)} are there"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """One item a path; rows of one path are joined.

    Raises:
        DatasetError: no table has a path column, or a named column is not there.
    """
    return read_tables(tree, _table_files(tree), options)


def read_tables(tree: FileTree, files: list[File], options: ReadOptions) -> Reading:
    """Read the tables that have a path column, with the columns of the first.

    Raises:
        DatasetError: as for `read`.
    """
    records: list[Record] = []
    problems: list[Problem] = []
    used: list[File] = []
    kinds: dict[str, Kind] = {}
    columns: tuple[str, ...] = ()
    chosen: ReadOptions | None = None
    for file, table in _tables(tree, files, problems):
        fitting = choose_columns(table, tree, "/".join(file.parts[:-1]), options)
        if fitting is None:
            continue
        used.append(file)
        if chosen is None:
            chosen, columns = fitting, tuple(map(str, table.columns))
        found, missing, multi = table_records(table, file, tree, fitting)
        records += found
        problems += missing
        kinds |= multi
    if chosen is None:
        raise DatasetError(
            f"no table of {tree.name} ({', '.join(TABLE_SUFFIXES)}) has a column with the paths "
            "of the images; name it with --path-column"
        )
    made = reading(tree, records, problems, label_files=used, kinds=kinds)
    return replace(made, columns=columns, chosen=chosen)


def _tables(
    tree: FileTree, files: list[File], problems: list[Problem]
) -> Iterator[tuple[File, pd.DataFrame]]:
    """The files that hold tables; a damaged one is a problem, and an error when it is the only."""
    for file in files:
        try:
            table = tree.parsed(file, parse_table)
        except DatasetError as error:
            if len(files) == 1:
                raise
            problems.append(Problem(file.name, str(error)))
            continue
        if table is not None:
            yield file, table


def _table_files(tree: FileTree) -> list[File]:
    files = [tree.main] if tree.main else list(tree.files)
    return [file for file in files if file.suffix in TABLE_SUFFIXES]
