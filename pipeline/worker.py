"""The worker: executes queued runs one at a time, in its own process.

    workers/<host>-<pid>   touched as long as that worker lives, removed when it ends
    workers/starting       touched by whoever starts one, until it has begun

A worker that ends because there is no work removes its file first, then looks at the
queue once more; who queues a run does that first, then looks for a worker. So no run is left
without one.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from models.errors import Cancelled
from pipeline.deletions import finish_deletions
from pipeline.index.index_jobs import serve, waiting
from pipeline.index.publish_best import serve_best
from pipeline.index.store.base import StoreError
from pipeline.jobs import LOST_AFTER_S, beating, is_silent, silent_for_s
from pipeline.launching import launch
from pipeline.logs import about
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.control import RunBusy
from pipeline.runs.experiment import attempt
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

_log = logging.getLogger(__name__)
_POLL_S = 1.0


def work(
    settings: Settings,
    *,
    exit_when_idle: bool = False,
    on_progress: StageProgress = ignore_progress,
) -> int:
    """Claim and execute queued runs, oldest first, until stopped; returns how many it executed.

    Changes of indexes that pages ask for are done between two runs.

    Runs that a killed worker left behind are queued again first and resume from their checkpoint.

    Args:
        settings: say where the library is.
        exit_when_idle: return when nothing is queued.
        on_progress: called with the stage, steps done and steps in all.
    """
    registry, executed = RunRegistry(settings), 0
    end_interrupted(settings)
    while True:
        with _announced(settings):
            while (
                any((serve_best(settings), served := serve(settings), run := _next(registry)))
                or not exit_when_idle
            ):
                if run is not None and _execute(run, settings, on_progress):
                    executed += 1
                elif not served:
                    time.sleep(_POLL_S)
        if _next(registry) is None and not waiting(settings):
            return executed
        time.sleep(_POLL_S)  # asked for just now, or another worker is doing it


def end_interrupted(settings: Settings) -> None:
    """End deletions that a kill has interrupted, or say why that cannot be done now."""
    from pipeline.index.store.opening import store_of

    try:
        for name in finish_deletions(settings, lambda: store_of(settings)):
            _log.info("the deletion of data set %s, which was interrupted, is finished", name)
    except (StoreError, OSError, ValueError) as error:
        _log.warning("a deletion that was interrupted cannot be finished: %s", error)


def heartbeat_age_s(settings: Settings) -> float | None:
    """Seconds since any worker was last heard of; None if there is none and none was killed."""
    ages = [silent_for_s(path) for path in _folder(settings).glob("[!.]*")]
    return min((age for age in ages if age is not None), default=None)


def is_alive(settings: Settings) -> bool:
    """Whether a worker executes what is queued, or is about to."""
    age = heartbeat_age_s(settings)
    return age is not None and age < LOST_AFTER_S


def ensure_worker(settings: Settings) -> bool:
    """Start a worker in a process of its own unless one is alive; says whether it did.

    It outlives this process and ends when nothing is queued. Where the settings forbid it, another
    service is expected to be the worker.
    """
    if not settings.start_worker:
        return False
    _folder(settings).mkdir(parents=True, exist_ok=True)
    with FileLock(_folder(settings) / ".start.lock"):
        if is_alive(settings):
            return False
        (_folder(settings) / "starting").touch()
        launch(("worker", "--exit-when-idle"), settings, settings.home / "worker.log")
    return True


def limit_memory(settings: Settings) -> None:
    """Let this process fail, instead of the machine, when it wants more than the settings allow."""
    if settings.memory_mb is not None and sys.platform == "linux":
        import resource  # only where it exists

        limit = settings.memory_mb * 1_000_000
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


@contextmanager
def _announced(settings: Settings) -> Iterator[None]:
    """Be alive for others to see, and forget workers that were killed."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    heartbeat = folder / f"{platform.node()}-{os.getpid()}"
    with beating(heartbeat):
        for path in folder.glob("[!.]*"):
            if path.name == "starting" or is_silent(path):
                path.unlink(missing_ok=True)
        try:
            yield
        finally:
            heartbeat.unlink(missing_ok=True)
    heartbeat.unlink(missing_ok=True)  # the heart may have beaten once more


def _execute(run: Run, settings: Settings, on_progress: StageProgress) -> bool:
    """Execute a run unless another process does; a failure is recorded, not raised."""
    with about(run=run.id):
        try:
            if not attempt(run, settings, on_progress):
                _log.error("run %s failed: %s", run.id, run.status().error)
        except RunBusy:
            return False
        except Cancelled:
            _log.info("run %s was cancelled", run.id)
    return True


def _next(registry: RunRegistry) -> Run | None:
    """The oldest queued run, once those of killed processes are queued again."""
    queued = []
    for run in registry.all():
        try:
            run.recover()
            status = run.status()
        except RunError:
            continue  # deleted meanwhile
        if status.state == "queued":
            queued.append((status.created, run))
    return min(queued, key=lambda pair: pair[0])[1] if queued else None


def _folder(settings: Settings) -> Path:
    return settings.home / "workers"
