"""Files: written whole or not at all, with room for what comes, and read once while they stay."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

RESERVE_BYTES = 200_000_000  # of free disk that stays free
_SETTLED_S = 2.0  # within the tick of a file system's clock two contents can look the same
_Parsed = TypeVar("_Parsed")


class ParsedFiles(Generic[_Parsed]):
    """Values of small files; one that has not changed since it was parsed is not read again.

    A file that was written a moment ago is not remembered yet.

    Args:
        parse: makes a value, which nobody may change, of a file's text.
        most: files that are remembered.
    """

    def __init__(self, parse: Callable[[str], _Parsed], most: int = 5000) -> None:
        self._parse, self._most = parse, most
        self._known: dict[Path, tuple[tuple[int, int, int], _Parsed]] = {}

    def read(self, path: Path) -> _Parsed:
        """The value of the file at `path`.

        Raises:
            OSError: it cannot be read.
            ValueError: it is not UTF-8, or whatever `parse` raises.
        """
        facts = path.stat()
        stamp = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        value = self._parse(path.read_text("utf-8"))
        if time.time() - facts.st_mtime > _SETTLED_S:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[path] = stamp, value
        return value


def write_atomic(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Write `content` to a temporary file beside `path`, then rename it.

    Args:
        path: the file; its folder must exist.
        content: text is written as UTF-8.
        durable: force it to the disk, so that it also survives a power cut.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with partial.open("wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    partial.replace(path)


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
