"""The worker: executes queued runs one at a time, in its own process."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from filelock import FileLock, Timeout

from models.method import Cancelled
from pipeline.execute import StageProgress, execute, ignore_progress
from pipeline.runs import Run, RunRegistry
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
    while True:
        _beat(settings)
        _fail_lost(registry)
        run = _oldest_queued(registry)
        if run is not None and _execute_exclusively(run, settings, on_progress):
            executed += 1
        elif run is None:
            if exit_when_idle:
                return executed
            time.sleep(_POLL_S)


def heartbeat_age_s(settings: Settings) -> float | None:
    """Seconds since a worker was last heard of; None if never."""
    path = _heartbeat_path(settings)
    return time.time() - path.stat().st_mtime if path.exists() else None


def _execute_exclusively(run: Run, settings: Settings, on_progress: StageProgress) -> bool:
    """Execute a run unless another worker holds it; a failure is recorded, not raised."""

    def beat(stage: str, done: int, total: int) -> None:
        _beat(settings)
        run.update()  # long stages show life
        on_progress(stage, done, total)

    try:
        with FileLock(run.folder / ".claim.lock", timeout=0):
            if run.status().state != "queued":
                return False
            execute(run, settings, beat)
    except Timeout:
        time.sleep(_POLL_S)
        return False
    except Cancelled:
        _log.info("run %s was cancelled", run.id)
    except Exception:
        _log.exception("run %s failed", run.id)  # the status has the error; the worker goes on
    return True


def _oldest_queued(registry: RunRegistry) -> Run | None:
    queued = [run for run in registry.all() if run.status().state == "queued"]
    return queued[-1] if queued else None


def _fail_lost(registry: RunRegistry) -> None:
    for run in registry.all():
        if run.state() == "lost":
            run.update(state="failed", error="the process that executed it was killed")


def _beat(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    _heartbeat_path(settings).write_text(str(os.getpid()), "utf-8")


def _heartbeat_path(settings: Settings) -> Path:
    return settings.home / "worker.heartbeat"
