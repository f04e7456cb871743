"""FileTree: the files of a source by name, whether they lie in a folder or inside an archive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pipeline.datasets.problems import Problem
from pipeline.images import SUFFIXES, looks_like_image
from pipeline.ingest.finding import NameIndex, suffix_of
from pipeline.ingest.split_words import splits_of

MAX_FILE_BYTES = 1 << 29  # of one image or label file
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")
_T = TypeVar("_T")


class ReadError(OSError):
    """A file of a source cannot be read; the message says why."""


@dataclass(frozen=True)
class File:
    """One file of a source.

    Attributes:
        name: relative, with forward slashes; data only, never used as a path to write to.
        size: size in bytes, as the source says.
        read: all its bytes; raises OSError.
        head: reads its first bytes; raises OSError.
        stamp: changes when the content does; costs no reading.
        path: place of the file on disk, when it is a file of its own.
        is_link: whether its name is that of a symbolic link to it.
    """

    name: str
    size: int
    read: Callable[[], bytes]
    head: Callable[[], bytes]
    stamp: str
    path: Path | None = None
    is_link: bool = False

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The folders above it, then its own name."""
        return tuple(self.name.split("/"))

    @property
    def folder(self) -> str:
        """The folder that it lies in; empty for the root."""
        return "/".join(self.parts[:-1])

    @property
    def suffix(self) -> str:
        """Suffix in lower case, with the dot; may be empty."""
        return suffix_of(self.name).lower()

    @property
    def stem(self) -> str:
        """Name without folders and suffix."""
        return self.parts[-1].removesuffix(suffix_of(self.name))

    @cached_property
    def is_image(self) -> bool:
        """Whether it is an image, by its suffix or else by its first bytes."""
        if self.suffix in SUFFIXES:
            return True
        try:
            return looks_like_image(self.head())
        except OSError:
            return False


@dataclass(frozen=True)
class FileTree:
    """All files of a source.

    Attributes:
        name: name of the source, for titles.
        files: sorted by name; hidden ones and what systems leave behind are left out.
        problems: files that cannot be looked at, with reasons.
        main: the label file that the user named, when it is not the whole source.
    """

    name: str
    files: tuple[File, ...]
    problems: tuple[Problem, ...] = ()
    main: File | None = None
    _parsed: dict[tuple[object, ...], object] = field(default_factory=dict, repr=False)

    @cached_property
    def images(self) -> tuple[File, ...]:
        """The files that look like images."""
        return tuple(file for file in self.files if file.is_image)

    @cached_property
    def identity(self) -> str:
        """A digest of names and stamps of all files."""
        listing = "\n".join(f"{file.name} {file.stamp}" for file in self.files)
        return hashlib.sha256(listing.encode()).hexdigest()

    @cached_property
    def names(self) -> NameIndex:
        """Index of its files by what label files call them."""
        return NameIndex(self.files)

    def parsed(self, file: File, parse: Callable[..., _T], *how: object) -> _T:
        """Return `parse(file, *how)`; it is kept, since detection and reading both ask."""
        key = (file.name, parse, how)
        if key not in self._parsed:
            self._parsed[key] = parse(file, *how)
        return self._parsed[key]  # type: ignore[return-value]


def is_junk(name: str) -> bool:
    """Whether a file is hidden, or left behind by a system."""
    parts = [part for part in name.split("/") if part not in (".", "..")]
    return any(part.startswith(".") or part in _JUNK for part in parts)


def without_wrapper(files: Sequence[File]) -> tuple[File, ...]:
    """The files without the folder that all of them lie in, as archives often have one.

    A folder that directly holds images is kept, since it may be their class, and so is one that
    is named like a part of a split.
    """
    while files:
        tops = {file.parts[0] for file in files}
        below = [file.parts[1:] for file in files]
        is_wrapper = len(tops) == 1 and all(below) and any(len(parts) > 1 for parts in below)
        holds_images = any(len(f.parts) == 2 and f.suffix in SUFFIXES for f in files)
        if not is_wrapper or holds_images or any(splits_of(tops).values()):
            break
        files = [replace(f, name="/".join(f.parts[1:])) for f in files]
    return tuple(files)
