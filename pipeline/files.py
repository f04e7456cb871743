"""Atomic writes: a file is either complete or as it was, whatever happens meanwhile."""

from __future__ import annotations

import os
from pathlib import Path


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
