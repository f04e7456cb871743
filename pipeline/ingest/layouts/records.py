"""Record: what a layout says about one file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.ingest.finding import Finder
from pipeline.ingest.tree import File


@dataclass(frozen=True)
class Record:
    """Facts that a layout gives about one file.

    Attributes:
        labels: class names per label set.
        split: a part as `split_word` gives it, or empty.
        named: the file's name as the label file writes it; empty where it is known otherwise.
        source: name of the label file.
    """

    file: File
    labels: dict[str, tuple[str, ...]]
    split: str = ""
    text: str = ""
    group: str = ""
    image_id: str = ""
    named: str = ""
    source: str = ""


class Named(NamedTuple):
    """Facts of a label file about the image that it calls `name`; `split` as in `Record`."""

    name: str
    labels: dict[str, tuple[str, ...]]
    split: str = ""


def found_records(named: Iterable[Named], file: File, finder: Finder) -> list[Record]:
    """Records of the images that are there; the finder lists the others."""
    matches = ((finder.find(image.name, file), image) for image in named)
    return [
        Record(match.file, image.labels, image.split, named=image.name, source=file.name)
        for match, image in matches
        if match is not None
    ]
