"""The worker: executes queued runs one at a time, in its own process."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

from models.method import Cancelled
from pipeline.execute import StageProgress, execute, ignore_progress
from pipeline.heartbeat import beating, silent_for_s
from pipeline.runs import Run, RunBusy, RunRegistry
from pipeline.settings import Settings

_log = logging.getLogger(__name__)
_POLL_S = 1.0
HEARTBEAT_LIMIT_S = 15.0


def work(
    settings: Settings,
    *,
    exit_when_idle: bool = False,
    on_progress: StageProgress = ignore_progress,
) -> int:
    """Claim and execute queued runs, oldest first, until stopped; returns how many it executed.

    Runs that a killed worker left behind are marked as failed first.

    Args:
        settings: where the library is.
        exit_when_idle: return when nothing is queued.
        on_progress: as for `execute`.
    """
    registry, executed = RunRegistry(settings), 0
    settings.home.mkdir(parents=True, exist_ok=True)
    with beating(_heartbeat_path(settings)):
        while True:
            _fail_lost(registry)
            run = _oldest_queued(registry)
            if run is not None and _execute(run, settings, on_progress):
                executed += 1
            elif run is None and exit_when_idle:
                return executed
            else:
                time.sleep(_POLL_S)


def heartbeat_age_s(settings: Settings) -> float | None:
    """Seconds since a worker was last heard of; None if never."""
    return silent_for_s(_heartbeat_path(settings))


def _execute(run: Run, settings: Settings, on_progress: StageProgress) -> bool:
    """Execute a run unless another process does; a failure is recorded, not raised."""
    try:
        execute(run, settings, on_progress)
    except RunBusy:
        return False
    except Cancelled:
        _log.info("run %s was cancelled", run.id)
    except Exception:
        _log.exception("run %s failed", run.id)  # the status has the error; the worker goes on
    return True


def _oldest_queued(registry: RunRegistry) -> Run | None:
    statuses = [(run.status(), run) for run in registry.all()]
    queued = [(status.created, run) for status, run in statuses if status.state == "queued"]
    return min(queued, key=lambda pair: pair[0])[1] if queued else None


def _fail_lost(registry: RunRegistry) -> None:
    for run in registry.all():
        if run.state() == "lost":
            with suppress(RunBusy), run.claimed():  # busy: silent, but alive
                run.update(state="failed", error="the process that executed it was killed")


def _heartbeat_path(settings: Settings) -> Path:
    return settings.home / "worker.heartbeat"
