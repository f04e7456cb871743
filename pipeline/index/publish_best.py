"""The best of several runs is published once all have ended: a page asks, the worker does it.

publish-best/<id>.json   the runs, and which images are to be in the index; removed when the best of
                         them has been asked for
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from pipeline.files import write_atomic
from pipeline.index.coverage import Images
from pipeline.index.index_jobs import request
from pipeline.index.publish import read_index
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

_OVER = ("done", "failed", "cancelled")
_log = logging.getLogger(__name__)


class Wanted(BaseModel):
    """Request to publish the best of some runs, by their ids, with all images or the database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[str, ...]
    images: Images = "all"

    @classmethod
    def read(cls, path: Path) -> Wanted:
        """Read a request; earlier versions wrote the list of runs alone.

        Raises:
            OSError, ValueError: the file is gone, or it is no request.
        """
        content = json.loads(path.read_text("utf-8"))
        return cls.model_validate({"runs": content} if isinstance(content, list) else content)


def request_best(runs: Sequence[str], settings: Settings, images: Images = "all") -> None:
    """Ask that the best of these runs is published when all have ended.

    Args:
        runs: their ids.
        settings: where they are.
        images: which images the index covers.
    """
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(runs=tuple(runs), images=images)
    write_atomic(folder / f"{uuid4().hex[:16]}.json", wanted.model_dump_json(), is_noted=False)


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
            if set(Wanted.read(path).runs) == set(runs):
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
            wanted = Wanted.read(path)
        except FileNotFoundError:
            continue  # another worker has done it
        except (OSError, ValueError) as error:
            _log.warning("%s is damaged and dropped: %s", path, error)
            path.unlink(missing_ok=True)
            continue
        best = best_run(settings, wanted.runs)
        if best is None and _is_any_open(settings, wanted.runs):
            continue
        path.unlink(missing_ok=True)
        if best is None:
            _log.warning("none of the runs %s can be published", ", ".join(wanted.runs))
        elif read_index(best) is None:
            request(best, "publish", wanted.images)
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
