"""A table of paths and labels: CSV, TSV, JSON, JSON lines or parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts import class_folders
from pipeline.ingest.layouts.class_names import is_class_list, numbers_classes
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.layouts.table_columns import (
    all_columns,
    choose_columns,
    found_share,
    headed,
    is_usual,
    path_share,
    unchosen,
)
from pipeline.ingest.layouts.table_files import TABLE_SUFFIXES, Table, parse_table
from pipeline.ingest.layouts.table_rows import Chosen, read_rows
from pipeline.ingest.tree import File, FileTree

TITLE = "table of paths and labels"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise a table; the more of its paths are there, the likelier."""
    shares: dict[str, float] = {}
    failed: DatasetError | None = None
    for file in table_files(tree):
        try:
            chosen = _chosen(file, tree, options)
        except DatasetError as error:  # said where the layout is chosen: it stays unused
            failed = error
            continue
        if chosen is not None:
            shares[file.name] = _share(chosen, tree)
    if not shares:
        if failed and (options.path_column or options.label_columns or options.split_column):
            raise failed  # a column that the user named is not there
        return None
    best = max(shares.values())
    return 0.94 * best + 0.02, f"{100 * best:.0f} % of the paths in {', '.join(shares)} are there"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read one item per path; rows of one path are joined.

    Raises:
        DatasetError: no table has a path column, or a named column is not there.
    """
    return read_tables(tree, table_files(tree), options)


def read_tables(tree: FileTree, files: Sequence[File], options: ReadOptions) -> Reading:
    """Read the tables that have a path column; labels are understood over all of them together.

    Raises:
        DatasetError: no table can be read, or the columns cannot be told.
    """
    places = class_folders.Places(tree, options.class_level) if options.class_level else None
    has_folders = places is not None and class_folders.has_classes(tree, options)
    problems: list[Problem] = []
    tables = open_tables(tree, files, options, problems)
    finder = Finder(tree)
    rows = read_rows(tables, tree, finder)
    lacking = [] if has_folders and not rows.has_labels else _lacking_labels(tables)
    doubt = lacking[0] if lacking and not rows.has_labels else ""
    if places is not None and has_folders:
        if rows.has_labels:
            doubt = doubt or _beside_folders(rows.records, places, tables, tree, options)
        else:
            rows.records = [_with_folder(record, places) for record in rows.records]
            rows.notes.append("the labels are those of the folders")
    bad_lines = [problem for chosen in tables for problem in chosen.table.problems]
    made = reading(
        tree,
        rows.records,
        [*problems, *bad_lines, *finder.problems],
        label_files=[*(chosen.file for chosen in tables), *rows.label_files],
        kinds=rows.kinds,
        notes=[
            *(note for chosen in tables for note in chosen.table.notes),
            *rows.notes,
            *finder.notes,
        ],
        warnings=[*(w for chosen in tables for w in _bad_lines(chosen)), *rows.warnings, *lacking],
        doubt=doubt,
    )
    columns = all_columns([chosen.table for chosen in tables])
    return replace(made, columns=columns, chosen=tables[0].columns)


def open_tables(
    tree: FileTree, files: Sequence[File], options: ReadOptions, problems: list[Problem]
) -> list[Chosen]:
    """The tables that have a path column; where one names files, those of which none is there go.

    Args:
        tree: tree of the images.
        files: files that may be tables.
        options: options of the user.
        problems: gets a line for each damaged file among several.

    Raises:
        DatasetError: no table can be read, or the columns cannot be told.
    """
    tables = list(_tables(tree, files, options, problems))
    shares = [_share(chosen, tree) for chosen in tables]
    tables = [
        chosen for chosen, share in zip(tables, shares, strict=True) if share or not any(shares)
    ]
    if not tables:
        raise DatasetError(
            f"no table of {tree.name} ({', '.join(TABLE_SUFFIXES)}) has a column with the paths "
            "of the images; name it with --path-column"
        )
    return tables


def _with_folder(record: Record, places: class_folders.Places) -> Record:
    """A record without labels, with those of its folders."""
    split, name = places.of(record.file)
    labels: dict[str, tuple[str, ...]] = {"class": (name,) if name else ()}
    return replace(record, labels=labels, split=record.split or split)


def _beside_folders(
    records: Sequence[Record],
    places: class_folders.Places,
    tables: Sequence[Chosen],
    tree: FileTree,
    options: ReadOptions,
) -> str:
    """Why a table and the folders of its images may both be their labels; empty for no reason."""
    if options.label_columns or options.path_column:
        return ""
    folders = {record.file.name: places.of(record.file)[1] for record in records}
    names = {name for name in folders.values() if name}
    labels = {label for record in records for of in record.labels.values() for label in of}
    shown = f"{tables[0].file.name} labels the images, and so may their folders"
    if 2 * len(folders) < len(tree.images) and len(names) > 1:
        return f"{shown}: it names {len(folders):,} of {len(tree.images):,} images"
    differ = [r for r in records if r.labels and (folders[r.file.name],) not in r.labels.values()]
    if names == labels and differ:
        return f"{shown}: they differ for {len(differ):,} images"
    guessed = {c.lower() for chosen in tables for c in chosen.columns.label_columns}
    if len(names) > 1 and names.isdisjoint(labels) and not is_usual(guessed):
        return f"{shown}: by {', '.join(sorted(guessed))}, or as {', '.join(sorted(names)[:5])}"
    return ""


def table_files(tree: FileTree) -> list[File]:
    """The files that may be tables by their names."""
    files = [tree.main] if tree.main else list(tree.files)
    return [file for file in files if file.suffix in TABLE_SUFFIXES and not _is_other(file)]


def _is_other(file: File) -> bool:
    """Whether a table holds answers to be sent in, or names of classes."""
    return "sample_submission" in file.stem.lower() or numbers_classes(file)


def _chosen(file: File, tree: FileTree, options: ReadOptions) -> Chosen | None:
    """The table in a file with its columns; None when it holds no paths.

    Raises:
        DatasetError: it is damaged, or a named column is not there.
    """
    table: Table | None = tree.parsed(file, parse_table, options.encoding)
    if table is None:
        return None
    table, notes = headed(table, tree, file.folder, options.header)
    table = replace(table, notes=(*table.notes, *(f"{file.name}: {note}" for note in notes)))
    columns = choose_columns(table, tree, file.folder, options)
    if columns is None:
        return None
    if is_class_list(file) and not path_share(table.frame, columns.path_column, tree, file.folder):
        return None
    return Chosen(file, table, columns)


def _share(chosen: Chosen, tree: FileTree) -> float:
    return found_share(chosen.table.frame, chosen.columns.path_column, tree, chosen.file.folder)


def _tables(
    tree: FileTree, files: Sequence[File], options: ReadOptions, problems: list[Problem]
) -> Iterator[Chosen]:
    """The files that hold tables; a damaged one is a problem, and an error when it is the only."""
    for file in files:
        try:
            chosen = _chosen(file, tree, options)
        except DatasetError as error:
            if len(files) == 1:
                raise
            problems.append(Problem(file.name, str(error)))
            continue
        if chosen is not None:
            yield chosen


def _bad_lines(chosen: Chosen) -> list[str]:
    n = len(chosen.table.problems)
    return [f"{chosen.file.name}: lines that cannot be read and are left out: {n:,}"] if n else []


def _lacking_labels(tables: Sequence[Chosen]) -> list[str]:
    """A warning for tables with columns of which none was recognised as labels."""
    warnings = []
    for chosen in tables:
        columns = unchosen(chosen.table, chosen.columns)
        if columns and not chosen.columns.label_columns:
            warnings.append(
                f"{chosen.file.name}: none of the columns {', '.join(map(repr, columns[:8]))} was "
                "recognised as labels; name one with --label-column"
            )
    return warnings
