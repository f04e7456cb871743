"""folder_tree(): the files below a folder as a FileTree, with the targets of symbolic links."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISREG

from pipeline.datasets.problems import Problem
from pipeline.ingest.tree import MAX_FILE_BYTES, File, FileTree, ReadError, is_junk, without_wrapper

_HEAD_BYTES = 16


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
