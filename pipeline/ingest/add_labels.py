"""Labels that come later: a table joins another label set to a data set that is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from pipeline.datasets.dataset import DatasetError, LabelSet, RetrievalDataset, load_dataset
from pipeline.datasets.split import unlabelled_rows
from pipeline.ingest.add_images import commit_manifest
from pipeline.ingest.finding import Finder
from pipeline.ingest.ingest import one_at_a_time
from pipeline.ingest.layouts.joining import join_records
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.layouts.table import open_tables
from pipeline.ingest.layouts.table_columns import OWN_LABELS, unchosen
from pipeline.ingest.layouts.table_files import TABLE_SUFFIXES
from pipeline.ingest.layouts.table_rows import Chosen, Rows, read_rows
from pipeline.ingest.source import Kind
from pipeline.ingest.stored_names import stored_files
from pipeline.ingest.tree import File, FileTree
from pipeline.settings import Settings
from pipeline.wording import COMMAND

_NAME = re.compile(r"\w[\w .()&+-]{0,59}")
_SHOWN = 3  # names that did not match


@dataclass(frozen=True)
class Joined:
    """Outcome of joining labels to a data set.

    Attributes:
        labels: the new label set.
        n_images: images of the data set.
        n_labelled: those that have a label now.
        n_named: those that the table names.
        n_rows: rows of the table.
        unmatched: names in the table that are no image of the data set.
        notes: how the table was understood, and what is odd about it.
    """

    labels: LabelSet
    n_images: int
    n_labelled: int
    n_named: int
    n_rows: int
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What was joined, and how much did not match on either side."""
        others = ", ".join(self.unmatched[:_SHOWN]) + ", ..." * (len(self.unmatched) > _SHOWN)
        rows = f"{len(self.unmatched):,} of {self.n_rows:,} rows of the table name no image"
        rows += f" ({others})" if others else ""
        return (
            f"{self.n_labelled:,} of {self.n_images:,} images have a label in "
            f"{self.labels.name!r}, {len(self.labels.classes)} classes; "
            f"{self.n_images - self.n_named:,} images are not in the table; {rows}"
        )

    @property
    def next_step(self) -> str:
        """How runs come to be measured by these labels, in a sentence."""
        if self.labels.split_by is not None:
            return "Measure a run by them, without training:"
        return "They include images that had no label, so queries are drawn anew. Train by them:"

    def command(self, dataset: str) -> str:
        """The command that does the next step."""
        labels = f"--labels {self.labels.name!r}"
        if self.labels.split_by is not None:
            return f"{COMMAND} evaluate RUN {labels}"
        return f"{COMMAND} run --dataset {dataset} --method METHOD {labels}"


def add_labels(
    name: str,
    table: str,
    content: bytes,
    settings: Settings,
    *,
    label_set: str = "",
    options: ReadOptions = ReadOptions(),
) -> Joined:
    """Join the labels of a table to a data set, as another label set; others stay as they are.

    Rows are joined to images by name, path or id, as an import finds the images of a table. All or
    nothing: one replaced file, dataset.json, switches to the new manifest. Runs and indexes stay
    valid.

    Args:
        name: name of the data set.
        table: file name of the table; its suffix says what it is.
        content: bytes of the table.
        settings: say where the library is.
        label_set: name of the new label set; empty: that of the column.
        options: columns, separator, header and encoding, where these are not found out.

    Raises:
        DatasetError: no such data set, the table cannot be read, has no labels or names no image,
            or the name of the label set is taken.
    """
    with one_at_a_time(name, settings):
        dataset = load_dataset(name, settings)
        tree, row_of = _tree(dataset, table, content)
        tables = _tables(tree, options)
        finder = Finder(tree)
        rows = read_rows(tables, tree, finder)
        if not rows.records:
            raise DatasetError(f"no row of {table} names an image of {name!r}")
        own = _own_name(tables, rows, label_set)
        new_name = label_set or own.new
        _check_name(dataset, new_name)
        joined = join_records(rows.records)
        of_row: dict[int, list[str]] = {
            row_of[record.file.name]: list(record.labels[own.old]) for record in joined.records
        }
        labels = [of_row.get(row, []) for row in range(len(dataset))]
        made = _label_set(dataset, new_name, labels, rows.kinds.get(own.old))
        grown = dataset.manifest.assign(**{f"labels:{new_name}": pd.Series(labels, dtype=object)})
        info = dataset.info
        commit_manifest(dataset, grown, (*info.label_sets, made), info.value_ranges)
    bad = [p.reason for chosen in tables for p in chosen.table.problems]
    return Joined(
        labels=made,
        n_images=len(dataset),
        n_labelled=sum(map(bool, labels)),
        n_named=len(of_row),
        n_rows=sum(len(chosen.table.frame) for chosen in tables),
        unmatched=tuple(problem.file for problem in finder.problems),
        notes=(*rows.notes, *finder.notes, *rows.warnings, *joined.warnings, *bad),
    )


def _tables(tree: FileTree, options: ReadOptions) -> list[Chosen]:
    """The table of the tree, with its columns.

    Raises:
        DatasetError: it is none, or cannot be read.
    """
    assert tree.main is not None
    if tree.main.suffix not in TABLE_SUFFIXES:
        kinds = ", ".join(TABLE_SUFFIXES)
        raise DatasetError(f"{tree.main.name} is no table; one of {kinds} is needed")
    return [_with_labels(chosen) for chosen in open_tables(tree, [tree.main], options, [])]


def _with_labels(chosen: Chosen) -> Chosen:
    """A table without a column for labels takes the only one that there is for them."""
    left = unchosen(chosen.table, chosen.columns)
    if chosen.columns.label_columns or len(left) != 1:
        return chosen
    return replace(chosen, columns=chosen.columns.model_copy(update={"label_columns": tuple(left)}))


@dataclass(frozen=True)
class _Names:
    """Name of a label set as the table was read, and the one that it gets."""

    old: str
    new: str


def _tree(dataset: RetrievalDataset, table: str, content: bytes) -> tuple[FileTree, dict[str, int]]:
    """The images as files called by their ids, beside the table; and the row of each."""
    main = File(table, len(content), lambda: content, lambda: content[:16], "")
    files, row_of = stored_files(dataset)
    return FileTree(dataset.info.name, tuple(files), main=main), row_of


def _own_name(tables: Sequence[Chosen], rows: Rows, label_set: str) -> _Names:
    """The one label set of the table.

    Raises:
        DatasetError: it has none, or several.
    """
    columns = list(dict.fromkeys(c for chosen in tables for c in chosen.columns.label_columns))
    sets = list(dict.fromkeys(name for record in rows.records for name in record.labels))
    file = tables[0].file.name
    if not rows.has_labels:
        raise DatasetError(f"{file} has no labels; name their column with --label-column")
    if len(sets) > 1:
        raise DatasetError(
            f"{file} has several columns of labels ({', '.join(columns)}); name one with "
            "--label-column"
        )
    if len(columns) == 1:
        return _Names(sets[0], columns[0].removeprefix(OWN_LABELS))
    if not label_set:
        raise DatasetError(f"{file} has a column a class; name the label set with --as")
    return _Names(sets[0], label_set)


def _check_name(dataset: RetrievalDataset, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise DatasetError(
            f"label set name {name!r} must be up to 60 letters, digits, spaces or _ . ( ) & + -; "
            "choose one with --as"
        )
    taken = [labels.name for labels in dataset.info.label_sets]
    if name in taken:
        raise DatasetError(
            f"{dataset.info.name!r} has a label set {name!r} already, which stays as it is; "
            "choose another name with --as"
        )


def _label_set(
    dataset: RetrievalDataset, name: str, labels: Sequence[Sequence[str]], kind: Kind | None
) -> LabelSet:
    """The new label set, and by which labels its splits are drawn.

    Those of the import where all images that get a label have one of them, or none where there are
    none; so the queries of earlier runs stay. Else nothing says how the others are split.
    """
    several: Kind = "multi" if any(len(own) > 1 for own in labels) else "single"
    imported = dataset.info.imported_labels
    split_by: str | None = imported[0].name if imported else ""
    left_out = unlabelled_rows(dataset, imported[0] if imported else None)
    if any(labels[row] for row in left_out):
        split_by = None
    return LabelSet(
        name=name,
        kind=kind or several,
        classes=tuple(sorted({label for own in labels for label in own})),
        came_later=True,
        split_by=split_by,
    )
