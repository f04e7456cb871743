"""Sums: the SHA-256 of what was written, so that damage is seen.

    <folder>/.sums    a line "<SHA-256>  <name>" for the content of each file of the folder, noted
                      before the file is replaced; `sha256sum` reads the same format

A kill between the two leaves the old content, which is noted as well. Lines of earlier contents and
of files that are gone are dropped now and then, once what has taken their place is on the disk. A
file that has no line was written by an earlier version, or is one that grows or changes all the
time, such as a log.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

SUMS = ".sums"
_LETTERS = 64  # of a sum
_GROWTH = 4096  # bytes that the sums of a folder grow by before they are tidied


def read_checked(path: Path) -> bytes:
    """The content of a file that has not changed since it was written.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not the content that was noted.
    """
    while True:
        content = path.read_bytes()
        if _is_noted(path, hashlib.sha256(content).hexdigest()) is not None:
            return content


def check_sum(path: Path) -> bool:
    """Compare a file with the sums that were noted for it; says whether there are any.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not the content that was noted.
    """
    while (is_noted := _is_noted(path, file_sum(path))) is None:
        pass
    return is_noted


def _is_noted(path: Path, digest: str) -> bool | None:
    """Whether sums are noted for a file, that of its content among them; None: it was replaced.

    Raises:
        ValueError: others are, and it still has this content.
    """
    known = noted_sums(path.parent).get(path.name)  # after the content: whoever writes notes first
    if known and digest not in known:
        if file_sum(path) != digest:  # replaced meanwhile, and the old sum is gone
            return None
        raise ValueError("its bytes are not those that were written")
    return bool(known)


def noted_sums(folder: Path) -> dict[str, set[str]]:
    """SHA-256 of the contents that files of a folder have, or lately had, by file name."""
    sums: dict[str, set[str]] = {}
    try:
        lines = (folder / SUMS).read_bytes().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        digest, _, name = line.partition("  ")
        if len(digest) == _LETTERS and name:  # else torn by a kill or a full disk
            sums.setdefault(name, set()).add(digest)
    return sums


def note_sums(folder: Path) -> None:
    """Note all files of a folder that was just filled and is about to get its name."""
    for path in sorted(folder.glob("[!.]*")):
        if path.is_file():
            _note(path, file_sum(path))


def _note(path: Path, digest: str, *, durable: bool = False) -> bool:
    """Note the content that a file is about to get; says whether that is enough to tidy up."""
    line = f"\n{digest}  {path.name}".encode()  # begins anew after a torn one
    with (path.parent / SUMS).open("ab") as file:
        before = file.tell()
        file.write(line)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    return before // _GROWTH != (before + len(line)) // _GROWTH


def _one_noting(folder: Path) -> FileLock:
    """Held from the noting of a sum until the file is in place, and while sums are dropped."""
    return FileLock(folder / f"{SUMS}.lock")


def _keep_sums(folder: Path, without: str = "") -> None:
    """Drop the sums of earlier contents, of files that are gone, and of one; under the lock.

    A damaged file keeps all of its own.
    """
    _force(folder)  # or a power cut brought back a content whose sum is gone
    lines = []
    for name, digests in noted_sums(folder).items():
        path = folder / name
        if name != without and path.is_file():
            kept = digests if len(digests) == 1 else digests & {file_sum(path)} or digests
            lines += [f"{digest}  {name}\n" for digest in kept]
    partial = folder / f"{SUMS}.tmp"
    with partial.open("wb") as file:
        file.write("".join(lines).encode())
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / SUMS)


def _force(folder: Path) -> None:
    """Force to the disk which files a folder has, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        place = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def tidy_sums(home: Path) -> None:
    """Drop the sums of earlier contents and of files that are gone, everywhere in a library."""
    for sums in sorted(home.rglob(SUMS)):
        with suppress(OSError), _one_noting(sums.parent):  # a folder may go meanwhile
            _keep_sums(sums.parent)


def move(path: Path, to: Path) -> None:
    """Give a file, or a folder, another place; what is noted of a file goes with it.

    Raises:
        OSError: it cannot be moved.
    """
    if not path.is_file():
        path.rename(to)
        return
    with _one_noting(to.parent):
        for digest in noted_sums(path.parent).get(path.name, set()):
            _note(to, digest)
        path.rename(to)
    remove(path)  # from the sums


def remove(path: Path) -> None:
    """Remove a file that may be there; before it what is noted of it, so that nothing stays.

    Raises:
        OSError: it cannot be removed.
    """
    if (path.parent / SUMS).is_file():
        with _one_noting(path.parent):
            if path.name in noted_sums(path.parent):
                _keep_sums(path.parent, without=path.name)
    path.unlink(missing_ok=True)


def file_sum(path: Path) -> str:
    """SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def swap_in(partial: Path, path: Path, digest: str = "", *, durable: bool = False) -> None:
    """Give a file that was written under another name its own, after noting its sum.

    Args:
        partial: as it was written.
        path: as it is named.
        digest: SHA-256 of the content; empty: it is computed.
        durable: force the sum to the disk.
    """
    digest = digest or file_sum(partial)
    with _one_noting(path.parent):
        is_long = _note(path, digest, durable=durable)
        partial.replace(path)
        if is_long:
            with suppress(OSError):  # another time
                _keep_sums(path.parent)
