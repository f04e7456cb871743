"""The rows of several tables as records, with labels that are understood over all tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.cell_values import has_class, is_binary, text
from pipeline.ingest.layouts.cells import read_labels
from pipeline.ingest.layouts.class_names import class_names
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.layouts.table_columns import OWN_LABELS
from pipeline.ingest.layouts.table_files import Table
from pipeline.ingest.source import Kind
from pipeline.ingest.split_words import numbered_splits, split_word, splits_of
from pipeline.ingest.tree import File, FileTree

_Labels = list[tuple[str, ...]]


@dataclass(frozen=True)
class Chosen:
    """A table, where it came from and its columns."""

    file: File
    table: Table
    columns: ReadOptions


@dataclass
class Rows:
    """Records of tables, and what is to be said about how they were understood."""

    records: list[Record] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    label_files: list[File] = field(default_factory=list)

    @property
    def has_labels(self) -> bool:
        """Whether any row has a label."""
        return any(names for record in self.records for names in record.labels.values())


def read_rows(tables: Sequence[Chosen], tree: FileTree, finder: Finder) -> Rows:
    """A record for every row whose image is there.

    A word in the name of a table, as in `train.csv`, or of its folder is the part of its rows
    when it has no column for that.

    Args:
        tables: tables with all columns chosen.
        tree: tree where the images are.
        finder: finder of their names; it keeps those that are not there.
    """
    made = Rows()
    labels = _label_sets(tables, tree, made)
    splits = _splits(tables, made)
    row = 0
    for chosen in tables:
        frame, columns = chosen.table.frame, chosen.columns
        captions = _texts(chosen, columns.text_column)
        groups = _texts(chosen, "group")
        ids = _texts(chosen, "image_id" if columns.path_column != "image_id" else "")
        for number, cell in enumerate(frame[columns.path_column]):
            match = finder.find(text(cell), chosen.file)
            if match is not None:
                of = {name: values[row] for name, values in labels.items()}
                made.records.append(
                    Record(
                        match.file,
                        of,
                        splits[row],
                        captions[number],
                        groups[number],
                        ids[number],
                        named=text(cell),
                        source=chosen.file.name,
                    )
                )
            row += 1
    return made


def _label_sets(tables: Sequence[Chosen], tree: FileTree, made: Rows) -> dict[str, _Labels]:
    """Label set -> the labels of every row of all tables."""
    columns = list(dict.fromkeys(c for chosen in tables for c in chosen.columns.label_columns))
    if len(columns) > 1 and all(_is_binary(tables, column) for column in columns):
        made.kinds["class"] = "multi"
        return {"class": _one_hot(tables, columns, made)}
    is_single = all(len(chosen.columns.label_columns) <= 1 for chosen in tables)
    if is_single and columns and not columns[0].startswith(OWN_LABELS):
        return {"class": _column(tables, "", "class", tree, made)}
    return {
        name: _column(tables, column, name, tree, made)
        for column in columns
        for name in [column.removeprefix(OWN_LABELS)]
    }


def _one_hot(tables: Sequence[Chosen], columns: Sequence[str], made: Rows) -> _Labels:
    prefix = _prefix(columns)
    names = [column.removeprefix(prefix) for column in columns]
    note = f"columns of 0 and 1: {len(names)} classes, " + ", ".join(names[:8])
    made.notes.append(note + (f" (without {prefix!r})" if prefix else ""))
    cells = [_cells(tables, column) for column in columns]
    if any(text(cell).startswith("-1") for column in cells for cell in column):
        made.notes.append("-1 in these columns says that an image is not of the class")
    return [
        tuple(name for name, cell in zip(names, row, strict=True) if has_class(cell))
        for row in zip(*cells, strict=True)
    ]


def _column(
    tables: Sequence[Chosen], column: str, name: str, tree: FileTree, made: Rows
) -> _Labels:
    """The labels of a column; without a name, of the only label column of each table."""
    shown = column or next(c for chosen in tables for c in chosen.columns.label_columns)
    classes = class_names(tree)
    read = read_labels(_cells(tables, column), shown, tables[0].columns.separator, classes.names)
    if not column.startswith(OWN_LABELS):  # whose lists say nothing about kinds
        made.notes += read.notes
        made.warnings += read.warnings
        made.label_files += [classes.file] if read.uses_classes and classes.file else []
        if read.is_multi:
            made.kinds[name] = "multi"
    return read.names


def _splits(tables: Sequence[Chosen], made: Rows) -> list[str]:
    """The part of every row; words that are not understood are said."""
    stems = splits_of(chosen.file.stem for chosen in tables)
    folders = splits_of(chosen.file.folder.rsplit("/", 1)[-1] for chosen in tables)
    if any(map(split_word, stems)) and not any(stems.values()):
        made.notes.append(f"{', '.join(stems)}: words in these names are not parts of a split")
    splitting = [chosen for chosen in tables if chosen.columns.split_column]
    column = splitting[0].columns.split_column if splitting else ""
    cells = [
        text(cell) for chosen in splitting for cell in _cells([chosen], chosen.columns.split_column)
    ]
    meaning = _meaning(column, cells, made)
    splits: list[str] = []
    for chosen in tables:
        if chosen.columns.split_column:
            words = _cells([chosen], chosen.columns.split_column)
            splits += [meaning.get(text(word), "") for word in words]
        else:
            default = stems[chosen.file.stem] or folders[chosen.file.folder.rsplit("/", 1)[-1]]
            splits += [default] * len(chosen.table.frame)
    return splits


def _meaning(column: str, cells: Sequence[str], made: Rows) -> dict[str, str]:
    """The part that each word of a split column stands for; unknown ones are said."""
    numbers = numbered_splits(column, filter(None, cells))
    if numbers:
        words = ", ".join(f"{number} is {part}" for number, part in sorted(numbers.items()))
        made.notes.append(f"column {column!r}: {words}")
        return numbers
    meaning = {cell: split_word(cell) for cell in set(cells)}
    unknown = Counter(cell for cell in cells if cell and not meaning[cell])
    if unknown:
        words = ", ".join(f"{word!r} {n:,}" for word, n in unknown.most_common(8))
        made.warnings.append(
            f"column {column!r}: rows with words that name no part of a split are in none: {words}"
        )
    return meaning


def _prefix(columns: Sequence[str]) -> str:
    """What all names of one-hot columns begin with up to an underscore, such as `y_`."""
    first = columns[0].split("_", 1)[0] + "_"
    return first if all(name.startswith(first) and name != first for name in columns) else ""


def _is_binary(tables: Sequence[Chosen], column: str) -> bool:
    having = [chosen for chosen in tables if column in chosen.table.frame]
    return all(is_binary(chosen.table.frame[column]) for chosen in having)


def _cells(tables: Sequence[Chosen], column: str) -> list[object]:
    """Cells of a column over all tables, empty where one lacks it; `""`: its only label column."""
    cells: list[object] = []
    for chosen in tables:
        label_column = column or "".join(chosen.columns.label_columns)
        has = label_column in chosen.table.frame
        cells += (
            chosen.table.frame[label_column].tolist() if has else [""] * len(chosen.table.frame)
        )
    return cells


def _texts(chosen: Chosen, column: str) -> list[str]:
    if column not in chosen.table.frame:
        return [""] * len(chosen.table.frame)
    return [text(value) for value in chosen.table.frame[column]]
