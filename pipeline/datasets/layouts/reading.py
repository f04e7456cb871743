"""What reading a layout takes and gives: options, guesses, records that become items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from pipeline.datasets.problems import Problem
from pipeline.datasets.source import Item, Kind
from pipeline.datasets.tree import File, FileTree

Part = Literal["", "query", "database", "train"]


class ReadOptions(BaseModel):
    """How to read a source, where what is found out by itself is not what is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str = Field("", description="Name of a layout; empty: the most likely one.")
    path_column: str = Field("", description="Table column with the images' paths.")
    label_columns: tuple[str, ...] = Field(
        (), description="Table columns with labels; several of 0 and 1 are one-hot classes."
    )
    split_column: str = Field("", description="Table column with the part of the split.")
    text_column: str = Field("", description="Table column with captions.")
    separator: str = Field("", description="Between several labels in one cell.")
    class_level: int = Field(
        1, description="Folder level that is the class: 1 is the outermost, -1 holds the image."
    )


class Guess(NamedTuple):
    """One way to read a tree.

    Attributes:
        layout: its name.
        confidence: 0 to 1.
        why: what was seen.
    """

    layout: str
    confidence: float
    why: str


@dataclass(frozen=True)
class Record:
    """What a layout says about one file.

    Attributes:
        labels: class names a label set.
        split: a word of `split_word`, or empty.
    """

    file: File
    labels: dict[str, tuple[str, ...]]
    split: str = ""
    text: str = ""
    group: str = ""
    image_id: str = ""


@dataclass(frozen=True)
class Reading:
    """The items of a tree, and what else is to know about how it was read.

    Attributes:
        kinds: as in `Source`.
        columns: names of the table's columns; empty without a table.
        chosen: the options that were used, with what was found out filled in.
    """

    items: tuple[Item, ...]
    kinds: dict[str, Kind]
    problems: tuple[Problem, ...]
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
) -> Reading:
    """Make items of records; files that no record has become problems.

    Records of one file are joined, as some tables have a row for each label. Validation parts
    become queries where there is no test part, else they are part of the database.

    Args:
        tree: that was read.
        records: in any order.
        problems: found while reading.
        label_files: that need no record.
        kinds: of label sets that are known to be multi; others are so when an image has several.
        unnamed: why an image without a record is not taken.
    """
    joined: dict[str, Record] = {}
    noted: list[Problem] = []
    for record in records:
        known = joined.get(record.file.name)
        joined[record.file.name] = record if known is None else _both(known, record, noted)
    words = {record.split for record in joined.values()}
    held_out: Part = "database" if "query" in words else "query"
    names = sorted({name for record in joined.values() for name in record.labels})
    found = {name: _kind(name, joined.values()) for name in names} | (kinds or {})
    used = {*joined, *(file.name for file in label_files)}
    left = [file for file in tree.files if file.name not in used]
    return Reading(
        items=tuple(
            _item(record, held_out) for _, record in sorted(joined.items(), key=lambda kv: kv[0])
        ),
        kinds={name: found[name] for name in names},
        problems=(*tree.problems, *problems, *noted, *(_left_out(file, unnamed) for file in left)),
    )


def _both(first: Record, second: Record, noted: list[Problem]) -> Record:
    """One record of two; a query that is also in the database is a leak, and noted."""
    splits = {first.split, second.split}
    if "query" in splits and len(splits - {""}) > 1:
        other = (splits - {"query"}).pop()
        reason = f"named as query and as {other}; kept as {first.split}"
        noted.append(Problem(first.file.name, reason, "noted", "leak"))
    labels = {
        name: tuple(dict.fromkeys((*first.labels.get(name, ()), *second.labels.get(name, ()))))
        for name in {**first.labels, **second.labels}
    }
    return replace(first, labels=labels, split=first.split or second.split)


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
