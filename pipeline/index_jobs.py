"""Changes of indexes as jobs: a page asks, a worker does them between two runs.

    runs/<run>/index-request.json   what is wanted; removed when it is done
    runs/<run>/index-result.json    what came of the last one

The page never waits, and needs no right to write into the store: where pages have a read-only key
the worker has the other one. Searches go on meanwhile and see the old index or the new one.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.datasets.base import load_dataset
from pipeline.files import write_atomic
from pipeline.indexing import (
    drop_index,
    publish,
    read_index,
    roll_back,
    searched_codes,
    verify_index,
)
from pipeline.refreshing import encode_added
from pipeline.runs import Run, RunError, RunRegistry
from pipeline.settings import Settings
from pipeline.store.base import CodeStore, StoreError

Action = Literal["publish", "refresh", "roll back", "drop"]
_REQUEST, _RESULT = "index-request.json", "index-result.json"
_log = logging.getLogger(__name__)


class IndexRequest(BaseModel):
    """What is wanted with a run's index, and since when (ISO 8601, UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    asked: str


class IndexResult(BaseModel):
    """What came of a request: in a sentence, and whether it was done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    is_done: bool
    message: str
    finished: str


def request(run: Run, action: Action) -> IndexRequest:
    """Ask for a change; another one that still waits is replaced."""
    asked = IndexRequest(action=action, asked=_now())
    write_atomic(run.folder / _REQUEST, asked.model_dump_json())
    return asked


def requested(run: Run) -> IndexRequest | None:
    """What waits or is being done; None if nothing, or if the file is damaged."""
    try:
        return IndexRequest.model_validate_json((run.folder / _REQUEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def last_result(run: Run) -> IndexResult | None:
    """What came of the last request; None before the first."""
    try:
        return IndexResult.model_validate_json((run.folder / _RESULT).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def waiting(settings: Settings) -> list[Run]:
    """Runs with a request, oldest run first."""
    runs = RunRegistry(settings).all() if any(settings.runs_path.glob(f"*/{_REQUEST}")) else []
    return [run for run in reversed(runs) if requested(run) is not None]


def serve(settings: Settings) -> int:
    """Do all that is asked for; failures are recorded, not raised. Returns how many there were."""
    runs = waiting(settings)
    for run in runs:
        asked = requested(run)
        if asked is None:
            continue  # another worker was faster
        try:
            message, is_done = change(run, asked.action, settings), True
        except (ValueError, OSError, RuntimeError, StoreError) as error:
            _log.warning("index of run %s: %s failed: %s", run.id, asked.action, error)
            message, is_done = str(error), False
        result = IndexResult(action=asked.action, is_done=is_done, message=message, finished=_now())
        write_atomic(run.folder / _RESULT, result.model_dump_json())
        (run.folder / _REQUEST).unlink(missing_ok=True)
    return len(runs)


def change(run: Run, action: Action, settings: Settings) -> str:
    """Do one thing with a run's index and say what came of it.

    Raises:
        RunError, DatasetError, StoreError: it cannot be done; the index is as it was.
    """
    from pipeline.store.opening import store_of  # a second for the client; few workers need it

    store = store_of(settings)
    try:
        return _change(run, action, settings, store)
    finally:
        store.close()  # an embedded version is open in one process at a time


def verify(run: Run, store: CodeStore) -> str:
    """Compare count and distances of the live index with the run's codes.

    Raises:
        RunError: the run has no index.
        StoreError: they differ.
    """
    record = read_index(run)
    if record is None:
        raise RunError(f"run {run.id} has no index to verify; publish it first")
    codes, _ = searched_codes(run)
    verify_index(
        record.model_copy(update={"collection": record.alias}), store, codes[: record.count]
    )
    return f"{record.count:,} codes, and the distances of 20 searches, are as in the run"


def _change(run: Run, action: Action, settings: Settings, store: CodeStore) -> str:
    if action == "roll back":
        record = roll_back(run, store)
        return f"back to {record.collection} with {record.count:,} codes"
    if action == "drop":
        return f"{drop_index(run, store)} versions removed"
    dataset = load_dataset(run.spec.dataset, settings)
    n_new = encode_added(run, dataset, settings) if action == "refresh" else 0
    record = publish(run, dataset, store, force=True)
    more = f", {n_new:,} of them new" if n_new else ""
    return f"{record.count:,} codes in {record.collection}{more}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
