"""Folders that are called like the parts of a split."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.ingest.split_words import splits_of
from pipeline.ingest.tree import File

_MOST_DEPTH = 3


def split_level(files: Sequence[File]) -> int | None:
    """Which folder level, from 0, is called after the parts of a split; None for none.

    Files that lie in no folder there, and folders of other names beside two parts, are in none.
    """
    for level in range(_MOST_DEPTH):
        if any(splits_of(_names(files, level)).values()):
            return level
    return None


def splits_by_folder(files: Sequence[File], level: int) -> dict[str, str]:
    """The part that each folder of a level stands for; empty for none."""
    return splits_of(_names(files, level))


def _names(files: Sequence[File], level: int) -> list[str]:
    names = (file.parts[level] for file in files if len(file.parts) > level + 1)
    return list(dict.fromkeys(names))
