"""The best of several runs is published once all have ended: a page asks, the worker does it.

publish-best/<id>.json   the runs; removed when the best of them has been asked for
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from pipeline.files import write_atomic
from pipeline.index.index_jobs import request
from pipeline.index.publish import read_index
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

_OVER = ("done", "failed", "cancelled")
_log = logging.getLogger(__name__)


def request_best(runs: Sequence[str], settings: Settings) -> None:
    """Ask that the best of these runs is published when all have ended.

    Args:
        runs: their ids.
        settings: where they are.
    """
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{uuid4().hex[:16]}.json", json.dumps(list(runs)))


def best_run(settings: Settings, runs: Sequence[str]) -> Run | None:
    """The run with the best mAP once all are over, without labels one that learns from images.

    None while one is at work, or where none is done; deleted runs do not count.
    """
    registry, opened = RunRegistry(settings), []
    for run_id in runs:
        try:
            opened.append(registry.open(run_id))
        except RunError:
            continue
    if any(run.state() not in _OVER for run in opened):
        return None
    return max((run for run in opened if run.state() == "done"), key=_quality, default=None)


def is_requested(runs: Sequence[str], settings: Settings) -> bool:
    """Whether the best of exactly these runs is still to be published."""
    for path in _folder(settings).glob("*.json"):
        try:
            if set(json.loads(path.read_text("utf-8"))) == set(runs):
                return True
        except (OSError, ValueError):
            continue
    return False


def serve_best(settings: Settings) -> int:
    """Ask for the index of each best run whose rivals have ended; returns how many were asked for.

    A request that can never be met, or that cannot be read, is dropped and logged.
    """
    n_asked = 0
    for path in sorted(_folder(settings).glob("*.json")):
        try:
            runs = [str(run_id) for run_id in json.loads(path.read_text("utf-8"))]
        except FileNotFoundError:
            continue  # another worker has done it
        except (OSError, ValueError) as error:
            _log.warning("%s is damaged and dropped: %s", path, error)
            path.unlink(missing_ok=True)
            continue
        best = best_run(settings, runs)
        if best is None and _is_any_open(settings, runs):
            continue
        path.unlink(missing_ok=True)
        if best is None:
            _log.warning("none of the runs %s can be published", ", ".join(runs))
        elif read_index(best) is None:
            request(best, "publish")
            n_asked += 1
    return n_asked


def _is_any_open(settings: Settings, runs: Sequence[str]) -> bool:
    """Whether one of them is still to end."""
    ids = set(runs)
    return any(run.id in ids and run.state() not in _OVER for run in RunRegistry(settings).all())


def _quality(run: Run) -> tuple[float, bool]:
    try:
        return run.report().map, False
    except RunError:
        return 0.0, run.spec.method == "ud2h"


def _folder(settings: Settings) -> Path:
    return settings.home / "publish-best"
