"""FileTree: the files of a source by name, whether they lie in a folder or inside an archive."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from stat import S_ISREG
from typing import TypeVar

from pipeline.datasets.problems import Problem
from pipeline.images import SUFFIXES, looks_like_image
from pipeline.ingest.finding import NameIndex, suffix_of
from pipeline.ingest.split_words import splits_of

MAX_FILE_BYTES = 1 << 29  # of one image or label file
_JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini")
_HEAD_BYTES = 16
_T = TypeVar("_T")


class ReadError(OSError):
    """A file of a source cannot be read; the message says why."""


@dataclass(frozen=True)
class File:
    """One file of a source.

    Attributes:
        name: relative, with forward slashes; data only, never used as a path to write to.
        size: in bytes, as the source says.
        read: all its bytes; raises OSError.
        head: its first bytes; raises OSError.
        stamp: changes when the content does; costs no reading.
        path: where it lies, when it is a file of its own.
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
        """In lower case, with the dot; may be empty."""
        return suffix_of(self.name).lower()

    @property
    def stem(self) -> str:
        """Its own name without suffix."""
        return self.parts[-1].removesuffix(suffix_of(self.name))

    @cached_property
    def is_image(self) -> bool:
        """By its suffix, or else by its first bytes."""
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
        name: of the source, for titles.
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
        """Its files by what label files call them."""
        return NameIndex(self.files)

    def parsed(self, file: File, parse: Callable[..., _T], *how: object) -> _T:
        """What `parse(file, *how)` gives; kept, since detection and reading both ask."""
        key = (file.name, parse, how)
        if key not in self._parsed:
            self._parsed[key] = parse(file, *how)
        return self._parsed[key]  # type: ignore[return-value]


def folder_tree(
    root: Path, main: Path | None = None, *, link_roots: Sequence[Path] = ()
) -> FileTree:
    """The files below a folder, also those that symbolic links point to, as caches store them.

    Links to folders are not followed: they may lead in circles.

    Args:
        root: the folder.
        main: a label file that the user named, inside or elsewhere.
        link_roots: folders below which links may point; empty: anywhere.
    """
    problems: list[Problem] = []
    files = tuple(sorted(_walk(root, link_roots, problems), key=lambda file: file.name))
    n_links = sum(file.is_link for file in files)
    if n_links:
        reason = f"{n_links:,} symbolic links to files were followed"
        problems.append(Problem(root.resolve().name, reason, "noted"))
    files = without_wrapper(files)
    chosen = None
    if main is not None:
        inside = (file for file in files if file.path and file.path.samefile(main))
        chosen = next(inside, None) or _file(main, main.name)
    return FileTree(root.resolve().name, files, tuple(problems), chosen)


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


def _walk(root: Path, link_roots: Sequence[Path], problems: list[Problem]) -> Iterator[File]:
    def refuse(error: OSError) -> None:
        name = Path(str(error.filename)).relative_to(root).as_posix()
        problems.append(Problem(_printable(name), f"cannot be listed: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=refuse):
        here = Path(folder)
        folders[:] = [name for name in folders if not is_junk(name)]
        links = [name for name in folders if (here / name).is_symlink()]
        for name in [*links, *names]:
            if is_junk(name):
                continue
            path = here / name
            inner = path.relative_to(root).as_posix()
            try:
                problem = _unusable(path, inner, link_roots)
                file = None if problem else _file(path, inner)
            except OSError as error:  # removed meanwhile
                problem, file = f"cannot be looked at: {error.strerror}", None
            if file is None:
                problems.append(Problem(_printable(inner), problem))
            else:
                yield file


def _unusable(path: Path, name: str, link_roots: Sequence[Path]) -> str:
    """Why a directory entry cannot be a file of the source; empty when it can."""
    if name != _printable(name):
        return "the file name is not valid UTF-8"
    if path.is_symlink():
        return _unusable_link(path, link_roots)
    if not S_ISREG(path.stat().st_mode):
        return "not a regular file"
    return ""


def _unusable_link(path: Path, link_roots: Sequence[Path]) -> str:
    if not path.exists():  # nor does one that leads in a circle
        return "a symbolic link to a file that does not exist"
    target = path.resolve()
    if target.is_dir():
        return "a symbolic link to a folder, not followed; import that folder itself"
    if not target.is_file():
        return "a symbolic link to what is no regular file"
    if link_roots and not any(target.is_relative_to(root) for root in link_roots):
        return "a symbolic link that leaves the folders allowed for import"
    return ""


def _file(path: Path, name: str) -> File:
    is_link = path.is_symlink()
    path = path.resolve() if is_link else path  # what was checked, wherever the link points later
    facts = path.stat()

    def read() -> bytes:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ReadError(f"larger than {MAX_FILE_BYTES >> 20} MB")
        return path.read_bytes()

    def head() -> bytes:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)

    stamp = f"{facts.st_size} {facts.st_mtime_ns}"
    return File(name, facts.st_size, read, head, stamp, path, is_link)


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
