"""Files: written whole or not at all, with room for what comes, and checked when they are read."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import Generic, TypeVar

from pipeline.sums import read_checked, swap_in
from pipeline.wording import COMMAND, sentence

RESERVE_BYTES = 200_000_000  # of free disk that stays free
_log = logging.getLogger(__name__)
DOCTOR = f"{COMMAND} doctor --repair"
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
_READERS = ("pyarrow", "safetensors", "pandas")  # raise classes of their own
_OS_ERROR = re.compile(r"[(]os error (\d+)[)]")
_SETTLED_S = 2.0  # within the tick of a file system's clock two contents can look the same
_Parsed = TypeVar("_Parsed")


class DamagedFile(ValueError):  # noqa: N818 - says what is wrong
    """A stored file is missing, damaged or of a newer version; the message says what to do."""


@contextmanager
def reading(path: Path, remedy: str, error: type[Exception] = DamagedFile) -> Iterator[None]:
    """Name the file, what is wrong with it and what to do, whatever goes wrong in the block.

    Args:
        path: the file, or the folder of several, that the block reads.
        remedy: what to do, a sentence that begins with a small letter and has no full stop.
        error: class of what is raised.
    """
    try:
        yield
    except error:
        raise
    except FileNotFoundError as missing:
        raise error(f"{path} is missing; {remedy}") from missing
    except Exception as wrong:
        if not isinstance(wrong, _BROKEN) and not type(wrong).__module__.startswith(_READERS):
            raise
        reason = f"no {wrong}" if isinstance(wrong, KeyError) else sentence(wrong)
        lines = reason.strip().splitlines() or [type(wrong).__name__]
        raise error(f"{path} is damaged ({lines[0].rstrip('.')}); {remedy}") from wrong


class ParsedFiles(Generic[_Parsed]):
    """Values of files; one that has not changed since it was read is not read again.

    A file that was written a moment ago is not remembered yet.

    Args:
        read: makes a value, which nobody may change, of a file.
        most: files that are remembered.
    """

    def __init__(self, read: Callable[[Path], _Parsed], most: int = 5000) -> None:
        self._read, self._most = read, most
        self._known: dict[Path, tuple[tuple[int, int, int], _Parsed]] = {}

    def read(self, path: Path) -> _Parsed:
        """The value of the file at `path`.

        Raises:
            OSError: it cannot be read.
            ValueError: or whatever else `read` raises.
        """
        facts = path.stat()
        stamp = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        value = self._read(path)
        if time.time() - facts.st_mtime > _SETTLED_S:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[path] = stamp, value
        return value


def parsed(parse: Callable[[str], _Parsed]) -> Callable[[Path], _Parsed]:
    """A reader that checks a file against its sum, and makes a value of its text."""
    return lambda path: parse(read_checked(path).decode())


@contextmanager
def written(partial: Path) -> Iterator[None]:
    """Remove a file or folder that was written in part, and turn any library's error into OSError.

    Args:
        partial: that the block writes, and gives its name at the end.

    Raises:
        OSError: the disk takes no more.
    """
    try:
        yield
    except BaseException as error:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
        if found := _OS_ERROR.search(str(error)):  # as programs in Rust say it
            number = int(found[1])
            raise OSError(number, os.strerror(number), str(partial)) from error
        raise


def write_atomic(
    path: Path, content: bytes | str, *, durable: bool = True, is_noted: bool | None = None
) -> None:
    """Write `content` to a temporary file beside `path`, then rename it.

    Args:
        path: the file; its folder must exist.
        content: text is written as UTF-8.
        durable: force it to the disk, so that it also survives a power cut.
        is_noted: note its sum, so that damage is seen; None: where it is durable.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    content = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.tmp")
    try:
        with partial.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if durable if is_noted is None else is_noted:
            swap_in(partial, path, hashlib.sha256(content).hexdigest(), durable=durable)
        else:
            partial.replace(path)
    except OSError:
        with suppress(OSError):  # a folder that cannot be written has no part of it
            partial.unlink(missing_ok=True)
        raise


def keep(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Write what can be computed again; where it cannot be written that costs time alone.

    Args:
        path: the file; its folder is made if missing.
        content: as of `write_atomic`.
        durable: as of `write_atomic`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content, durable=durable)
    except OSError as error:
        _log.warning("%s is not kept and will be computed again: %s", path.name, sentence(error))


def check_room(folder: Path, n_bytes: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        OSError: fewer than `n_bytes` and a reserve are free where `folder` is.
    """
    free = shutil.disk_usage(folder).free
    if n_bytes + RESERVE_BYTES > free:
        raise OSError(
            f"{n_bytes / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free "
            f"({RESERVE_BYTES / 1e9:.1f} GB stay in reserve); nothing was written"
        )
