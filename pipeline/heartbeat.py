"""Heartbeats: a file that is touched as long as its process lives, also during long silent work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

EVERY_S = 5.0


@contextmanager
def beating(path: Path, every_s: float = EVERY_S) -> Iterator[None]:
    """Touch `path` now, and again and again from a thread while the block runs."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(every_s):
            with suppress(OSError):  # its folder was deleted: nobody is listening
                path.touch()

    path.touch()
    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def silent_for_s(path: Path) -> float | None:
    """Seconds since `path` was last touched; None if it never was."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
