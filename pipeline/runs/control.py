"""RunControl: the state of a run, and what any process may do to it: claim, stop, queue again."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from pipeline import jobs
from pipeline.files import write_atomic
from pipeline.jobs import HEARTBEAT, LOST_AFTER_S, is_silent
from pipeline.runs.results import RunError, RunResults
from pipeline.runs.status import RunStatus

MOST_ATTEMPTS = 10  # a run that kills its process again and again must end some time
_log = logging.getLogger(__name__)


class RunBusy(RunError):  # noqa: N818 - the name says what is wrong
    """Another process executes the run."""


@dataclass(frozen=True)
class RunControl(RunResults):
    """A run folder as the queue sees it, whoever executes the run."""

    def state(self) -> str:
        """The state, or `lost` when it is marked running but has not been heard of for long."""
        status = self.status()
        is_late = status.state == "running" and time.time() - status.heartbeat > LOST_AFTER_S
        return "lost" if is_late and is_silent(self.folder / HEARTBEAT) else status.state

    def update(self, **changes: object) -> None:
        """Replace fields of the status, with a fresh heartbeat; for the executing process."""
        was = self.status()
        merged = was.model_dump() | {"heartbeat": time.time()} | changes
        status = RunStatus.model_validate(merged)
        content, is_done = status.model_dump_json(indent=2), "done" in (status.state, was.state)
        write_atomic(self.folder / "run.json", content, durable=False, is_noted=is_done)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other processes from executing this run meanwhile.

        Raises:
            RunBusy: one does already.
        """
        try:
            with FileLock(self.folder / ".claim.lock", timeout=0):
                yield
        except Timeout as error:
            raise RunBusy(f"run {self.id} is being executed by another process") from error

    def check_stop(self) -> None:
        """Raise `Cancelled` when someone has asked the run to stop."""
        jobs.check_stop(self.folder, f"run {self.id}")

    def request_stop(self) -> None:
        """Ask the executing process to stop at its next sign of progress."""
        jobs.request_stop(self.folder)

    def is_stopping(self) -> bool:
        """Whether someone has asked the run to stop."""
        return jobs.is_stopping(self.folder)

    def stop(self) -> None:
        """Take the run out of the queue, or ask the executing process to stop."""
        with suppress(RunBusy), self.claimed():
            if self.status().state == "queued":
                return self.update(state="cancelled", finished=now_utc())
        return self.request_stop()

    def requeue(self) -> None:
        """Queue the run again after it was stopped, failed or lost; it resumes where it was.

        Raises:
            RunBusy: a process executes it.
            RunError: it is done.
        """
        with self.claimed():
            if self.status().state == "done":
                raise RunError(f"run {self.id} is done already; repeat it as a new run")
            jobs.forget_stop(self.folder)
            self.update(state="queued", error="", finished="", stage="", attempts=0)

    def recover(self) -> bool:
        """Queue the run again if its process was killed; says whether it did.

        On the same host the claim of a dead process is free at once. Elsewhere, where locks may
        not be shared, its heart must have been silent for as long.
        """
        status = self.status()
        if status.state != "running":
            return False
        try:
            with self.claimed():
                is_dead = status.host == platform.node() or self.state() == "lost"
                if not is_dead or self.status().state != "running":
                    return False
                if status.attempts >= MOST_ATTEMPTS:
                    text = f"the process that executed it was killed {status.attempts} times"
                    self.update(state="failed", error=text, finished=now_utc(), stage="")
                    return False
                self.update(state="queued", stage="")
        except RunBusy:
            return False  # silent, but alive
        _log.warning("run %s: its process was killed; it is queued again", self.id)
        return True


def now_utc() -> str:
    """The moment in UTC, fine enough to order the queue by."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
