"""Readiness: whether a server can do its work: data folder, index, and a worker for what waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from pipeline.index.store.base import CodeStore, StoreError
from pipeline.settings import Settings
from pipeline.watch.library import queue, runs_by_state
from pipeline.worker import is_alive

READY = "ready"
Checks = dict[str, str]
_log = logging.getLogger(__name__)


class Readiness:
    """The checks of one server; nobody needs a key for them, so they tell no path and no address.

    Args:
        settings: say where the library is.
        store: gives the index.
        needs_worker: whether queued work without a worker counts.
    """

    def __init__(
        self, settings: Settings, store: Callable[[], CodeStore], *, needs_worker: bool
    ) -> None:
        self._settings, self._store, self._needs_worker = settings, store, needs_worker
        self._checking = Lock()
        self._last: Checks = {}

    def checks(self) -> Checks:
        """`ready`, or what is wrong in a few words, for data, index and worker.

        One at a time: while an index does not answer, others get what was found last.
        """
        if not self._checking.acquire(blocking=False):
            return self._last or {"check": "the first check is not done yet"}
        try:
            found = self._found()
            for name, state in found.items():
                if state != self._last.get(name, READY):
                    level = logging.INFO if state == READY else logging.WARNING
                    _log.log(level, "%s: %s", name, state)
            self._last = found
            return found
        finally:
            self._checking.release()

    def passed(self) -> dict[str, bool]:
        """Whether each check is passed."""
        return {name: state == READY for name, state in self.checks().items()}

    def _found(self) -> Checks:
        others = {"index": self._index} | ({"worker": self._worker} if self._needs_worker else {})
        data = self._data()
        if data != READY:  # an embedded index would make a folder where a mount is missing
            return {"data": data, **dict.fromkeys(others, "not checked without the data folder")}
        return {"data": data, **{name: check() for name, check in others.items()}}

    def _data(self) -> str:
        settings = self._settings
        try:
            for folder in (settings.home, settings.datasets_path, settings.runs_path):
                if folder == settings.home or folder.exists():
                    next(folder.iterdir(), None)
        except OSError as error:
            return f"the data folder cannot be read: {error.strerror}"
        return READY

    def _index(self) -> str:
        try:
            self._store().collections()
        except (StoreError, OSError, ValueError) as error:
            _log.debug("the index does not answer: %s", error)
            return "the index does not answer"
        return READY

    def _worker(self) -> str:
        try:
            if is_alive(self._settings):
                return READY
            if not any(queue(self._settings, runs_by_state(self._settings)).values()):
                return READY
        except OSError:
            return "it cannot be seen whether a worker is alive"
        return "work is queued and no worker is alive"
