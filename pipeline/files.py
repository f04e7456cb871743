"""Writing safely: files are complete or as they were, and there is room for what will come."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

RESERVE_BYTES = 200_000_000  # of free disk that stays free


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
