"""Item and Source: what can be imported, whatever it is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.datasets.problems import Problem

Kind = Literal["single", "multi"]


@dataclass(frozen=True)
class Item:
    """One image of a source; its bytes are read when they are needed.

    Attributes:
        labels: class names per label set.
        group: images of one group never fall on both sides of a split.
        path: set when the image may be linked instead of copied.
        size: size in bytes, 0 when unknown; says whether the disk has room.
    """

    image_id: str
    read: Callable[[], bytes]
    labels: dict[str, tuple[str, ...]]
    text: str = ""
    group: str = ""
    split: Literal["", "query", "database", "train"] = ""
    path: Path | None = None
    size: int = 0


@dataclass(frozen=True)
class Source:
    """Something that can be imported.

    Attributes:
        kinds: label-set name -> whether images carry one or several labels, in display order.
        items: all images; cheap to hold, since bytes are read lazily.
        identity: digest of what the items are made from; a half-done import of another identity
            is thrown away.
        problems: files that are not among the items, with reasons.
        notes: how it was understood, where that is not plain.
        warnings: readings that were probably not meant.
        doubt: why somebody has to confirm before it is imported; empty for no reason.
    """

    name: str
    title: str
    summary: str
    licence: str
    attribution: str
    kinds: dict[str, Kind]
    items: Sequence[Item]
    identity: str
    default_protocol: str = "holdout"
    problems: Sequence[Problem] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    doubt: str = ""
