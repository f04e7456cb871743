"""What reading a layout takes and gives: options, guesses, records that become items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.datasets.problems import Problem
from pipeline.ingest.layouts.joining import join_records
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.layouts.split_folders import split_level, splits_by_folder
from pipeline.ingest.layouts.split_lists import split_lists
from pipeline.ingest.source import Item, Kind
from pipeline.ingest.tree import File, FileTree
from pipeline.options import OPTION

Part = Literal["", "query", "database", "train"]
_PARTS = {
    "train": "training",
    "held out": "validation",
    "query": "test or queries",
    "database": "the database",
}


class ReadOptions(BaseModel):
    """Options for reading a source, where what is found out by itself is not what is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str = Field(
        "",
        description="Name of a layout; empty: the most likely one.",
        json_schema_extra={OPTION: "--format"},
    )
    path_column: str = Field("", description="Table column with the images' paths.")
    label_columns: tuple[str, ...] = Field(
        (),
        description="Table columns with labels; several of 0 and 1 are one-hot classes.",
        json_schema_extra={OPTION: "--label-column"},
    )
    split_column: str = Field("", description="Table column with the part of the split.")
    text_column: str = Field("", description="Table column with captions.")
    separator: str = Field("", description="Between several labels in one cell.")
    header: Literal["", "yes", "no"] = Field(
        "", description="Whether the first line of a table names its columns; empty: found out."
    )
    encoding: str = Field("", description="Of text files, and of names in a zip; empty: found out.")
    class_level: int = Field(
        1, description="Folder level that is the class: 1 is the outermost, -1 holds the image."
    )

    @field_validator("layout")
    @classmethod
    def _file_name(cls, layout: str) -> str:
        """Layouts are found by file name; people may type dashes."""
        return layout.replace("-", "_")


class Guess(NamedTuple):
    """One way to read a tree.

    Attributes:
        layout: name of the layout.
        confidence: 0 to 1.
        why: observation that it rests on.
    """

    layout: str
    confidence: float
    why: str


@dataclass(frozen=True)
class Reading:
    """The items of a tree, and what else is to know about how it was read.

    Attributes:
        kinds: kind of each label set, as in `Source`.
        notes: how it was understood, where that is not plain.
        warnings: readings that were probably not meant.
        doubt: why somebody has to look before it is imported; empty for no reason.
        used: names of the label files that it was read from.
        columns: names of the table's columns; empty without a table.
        chosen: the options that were used, with what was found out filled in.
    """

    items: tuple[Item, ...]
    kinds: dict[str, Kind]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    doubt: str = ""
    used: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    chosen: ReadOptions = ReadOptions()


def reading(
    tree: FileTree,
    records: Sequence[Record],
    problems: Iterable[Problem] = (),
    *,
    label_files: Iterable[File] = (),
    kinds: dict[str, Kind] | None = None,
    unnamed: str = "not named in the label file",
    notes: Iterable[str] = (),
    warnings: Iterable[str] = (),
    doubt: str = "",
) -> Reading:
    """Make items of records; images that no record has become problems.

    Records of one file are joined, as some tables have a row for each label. Where no record has
    a part of the split, folders that are called so give it. Validation parts become queries where
    there is no test part, else they are part of the database.

    Args:
        tree: tree that was read.
        records: records in any order.
        problems: found while reading.
        label_files: label files that need no record.
        kinds: label sets that are known to be multi; others are so when an image has several.
        unnamed: why an image without a record is not taken.
        notes: notes of the layout.
        warnings: warnings of the layout.
        doubt: doubt of the layout.
    """
    label_files = list(label_files)
    joined = join_records(records)
    lists = split_lists(tree) if not any(record.split for record in joined.records) else {}
    split_records, split_notes, split_warnings = _with_splits(joined.records, lists)
    label_files += lists
    words = {record.split for record in split_records}
    held_out: Part = "database" if "query" in words else "query"
    names = sorted({name for record in split_records for name in record.labels})
    kind_of = {name: _kind(name, split_records) for name in names} | (kinds or {})
    used = {*(record.file.name for record in split_records), *(p.file for p in joined.problems)}
    used |= {file.name for file in label_files}
    left = [file for file in tree.files if file.name not in used]
    return Reading(
        items=tuple(_item(record, held_out) for record in split_records),
        kinds={name: kind_of[name] for name in names},
        problems=(
            *tree.problems,
            *problems,
            *joined.problems,
            *(_left_out(file, unnamed) for file in left),
        ),
        notes=(*notes, *joined.notes, *split_notes),
        warnings=(
            *warnings,
            *joined.warnings,
            *split_warnings,
            *_single_class(split_records, names),
        ),
        doubt=doubt or joined.doubt,
        used=frozenset(file.name for file in label_files),
    )


def _with_splits(
    records: Sequence[Record], lists: Mapping[File, Mapping[str, str]]
) -> tuple[list[Record], list[str], list[str]]:
    """The records with the parts that lists or folders give where they have none, what to say."""
    made, notes = list(records), []
    if lists:
        part_of = {name: part for parts in lists.values() for name, part in parts.items()}
        made = [replace(record, split=part_of.get(record.file.name, "")) for record in made]
        notes.append(f"the split is that of {', '.join(file.name for file in lists)}")
    elif not any(record.split for record in made):
        files = [record.file for record in made]
        level = split_level(files)
        if level is not None:
            part_of = splits_by_folder(files, level)
            made = [
                replace(record, split=part_of.get(_folder(record.file, level), ""))
                for record in made
            ]
            notes.append("the split is that of the folders")
    parts = Counter(record.split for record in made)
    n_without = parts.pop("", 0)
    if not parts:
        return made, [], []
    if len(parts) == 1:
        only = _PARTS[next(iter(parts))]
        return made, [f"no split is given: its only part is {only}"], []
    if not n_without:
        return made, notes, []
    names = [record.file.name for record in made if not record.split]
    return made, notes, [f"images in no part of the split: {n_without:,}, such as {names[0]}"]


def _folder(file: File, level: int) -> str:
    return file.parts[level] if len(file.parts) > level + 1 else ""


def _single_class(records: Sequence[Record], names: Sequence[str]) -> list[str]:
    """A warning for label sets that tell no images apart."""
    warnings = []
    for name in names:
        classes = {label for record in records for label in record.labels.get(name, ())}
        if len(classes) == 1 and len(records) > 1:
            warnings.append(
                f"all labels of {name!r} are {classes.pop()!r}: every result would be relevant"
            )
    return warnings


def _kind(name: str, records: Iterable[Record]) -> Kind:
    return "multi" if any(len(r.labels.get(name, ())) > 1 for r in records) else "single"


def _item(record: Record, held_out: Part) -> Item:
    file = record.file
    split = held_out if record.split == "held out" else cast(Part, record.split)
    return Item(
        image_id=record.image_id or file.name,
        read=file.read,
        labels=record.labels,
        text=record.text or file.stem,
        group=record.group,
        split=split,
        path=file.path,
        size=file.size,
    )


def _left_out(file: File, unnamed: str) -> Problem:
    if file.is_image:
        return Problem(file.name, unnamed)
    return Problem(file.name, f"not an image file name ({file.suffix or 'no suffix'})")
