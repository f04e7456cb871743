"""Jobs: work in another process, watched through files: runs, imports, workers, indexes.

heartbeat      touched as long as the process lives, also during long silent work
stop           made by whoever wants the work to stop; `cancel` in earlier versions
<what>.json    what is wanted, how far it is or what came of it; replaced whole
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from models.errors import Cancelled
from pipeline.files import write_atomic

EVERY_S = 5.0
LOST_AFTER_S = 30.0  # of silence; whatever a process does, it has been killed then
HEARTBEAT = "heartbeat"
_STOPS = ("stop", "cancel")
_REPORT_EVERY_S = 0.5
_Model = TypeVar("_Model", bound=BaseModel)


class JobError(ValueError):
    """A job does not exist, or a file of it is damaged."""


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


def is_silent(path: Path, limit_s: float = LOST_AFTER_S) -> bool:
    """Whether a heart has not beaten for so long that its process must have been killed."""
    silent_s = silent_for_s(path)
    return silent_s is None or silent_s > limit_s


def request_stop(folder: Path) -> None:
    """Ask the process that works in a folder to stop at its next sign of progress."""
    (folder / _STOPS[0]).touch()


def is_stopping(folder: Path) -> bool:
    """Whether someone has asked the job to stop."""
    return any((folder / name).exists() for name in _STOPS)


def forget_stop(folder: Path) -> None:
    """Take the request back: it was obeyed, or came too late."""
    for name in _STOPS:
        (folder / name).unlink(missing_ok=True)


def check_stop(folder: Path, what: str) -> None:
    """Raise `Cancelled` when someone has asked for it.

    Args:
        folder: folder of the job.
        what: the job's name in the message.
    """
    if is_stopping(folder):
        raise Cancelled(f"{what} was stopped")


def read(path: Path, kind: type[_Model]) -> _Model:
    """Read a file of a job; fields of other versions are left out.

    Raises:
        JobError: it is missing or damaged.
    """
    try:
        return kind.model_validate_json(path.read_text("utf-8"), extra="ignore")
    except (OSError, ValueError) as error:
        raise JobError(f"{path.name} of job {path.parent.name} is damaged: {error}") from error


def write(path: Path, content: BaseModel, *, durable: bool = True) -> None:
    """Replace a file of a job whole; see `write_atomic`."""
    write_atomic(path, content.model_dump_json(), durable=durable, is_noted=False)


class Reporter:
    """Writer of progress into a status a few times per second, which obeys a stop at every step.

    Args:
        folder: folder of the job.
        what: the job's name, for the message of a stop.
        update: replaces fields of the status.
    """

    def __init__(self, folder: Path, what: str, update: Callable[..., None]) -> None:
        self._folder, self._what, self._update = folder, what, update
        self._written = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Take note of steps done, of all.

        Raises:
            Cancelled: someone asked to stop.
        """
        check_stop(self._folder, self._what)
        if done == total or time.monotonic() - self._written > _REPORT_EVERY_S:
            self._update(done=done, total=total)
            self._written = time.monotonic()
