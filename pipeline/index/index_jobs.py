"""Changes of indexes as jobs: a page asks, a worker does them between two runs.

Deleting a published run is one of them, for its index goes too.

    runs/<run>/index-request.json   what is wanted; removed when it is done
    runs/<run>/index-progress.json  how far it is, while it is being done
    runs/<run>/index-result.json    what came of the last one

The page never waits, and needs no right to write into the store: where pages have a read-only key
the worker has the other one. Searches continue meanwhile and see the old index or the new one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index.coverage import Images, codes_as_published, in_words, searched_codes
from pipeline.index.index_features import KeptFeatures, open_features
from pipeline.index.publish import (
    drop_index,
    publish,
    published_parts,
    read_index,
    roll_back,
)
from pipeline.index.reencoding import N_SAMPLED, differing_rows
from pipeline.index.refresh import encode_what_can_be, refresh
from pipeline.index.search import open_index
from pipeline.index.store.base import CodeStore, StoreError
from pipeline.index.store.patience import patient
from pipeline.index.verification import N_PROBES, WrongCodes, verify_features, verify_index
from pipeline.jobs import JobError, read, write
from pipeline.logs import about
from pipeline.progress import ignore_progress
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

Action = Literal["publish", "refresh", "roll back", "drop", "delete"]
_REQUEST, _RESULT, _LOCK = "index-request.json", "index-result.json", ".index-request.lock"
_PROGRESS = "index-progress.json"
_SERVING = ".index-jobs.lock"
_log = logging.getLogger(__name__)


class IndexRequest(BaseModel):
    """Request for a change of a run's index, and since when it waits (ISO 8601, UTC).

    Where it is to be published, `images` is which of them the index covers and `features` what it
    keeps of them beside the codes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    asked: str
    images: Images = "all"
    features: KeptFeatures = "none"


class IndexProgress(BaseModel):
    """How far a request is, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str


class IndexResult(BaseModel):
    """Result of a request: a sentence, and whether it was done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action
    is_done: bool
    message: str
    finished: str


def request(
    run: Run, action: Action, images: Images = "all", features: KeptFeatures = "none"
) -> IndexRequest:
    """Ask for a change; another one that still waits is replaced.

    Raises:
        FileNotFoundError: the run has been deleted.
    """
    if not run.folder.is_dir():  # the lock would create it again
        raise FileNotFoundError(f"run {run.id} has been deleted")
    queued = IndexRequest(action=action, asked=_now(), images=images, features=features)
    with FileLock(run.folder / _LOCK):
        write(run.folder / _REQUEST, queued)
    return queued


def requested(run: Run) -> IndexRequest | None:
    """Request that waits or is being served; None if there is none, or if the file is damaged."""
    with suppress(JobError):
        return read(run.folder / _REQUEST, IndexRequest)
    return None


def progress(run: Run) -> str:
    """How far the request is that is being served, in words; empty when that is not known."""
    with suppress(JobError):
        return read(run.folder / _PROGRESS, IndexProgress).message
    return ""


def last_result(run: Run) -> IndexResult | None:
    """Result of the last request; None before the first."""
    with suppress(JobError):
        return read(run.folder / _RESULT, IndexResult)
    return None


def waiting(settings: Settings) -> list[Run]:
    """Runs with a request, oldest run first."""
    runs = RunRegistry(settings).all() if any(settings.runs_path.glob(f"*/{_REQUEST}")) else []
    return [run for run in reversed(runs) if requested(run) is not None]


def serve(settings: Settings) -> int:
    """Serve all requests; failures are recorded, not raised. Returns how many there were.

    One worker at a time does, since two would do the same twice; another one finds nothing to do.
    """
    with suppress(Timeout), FileLock(settings.home / _SERVING, timeout=0):
        runs = waiting(settings)
        for run in runs:
            with about(run=run.id):
                _serve(run, settings)
        return len(runs)
    return 0


def _serve(run: Run, settings: Settings) -> None:
    pending = requested(run)
    if pending is None:
        return  # withdrawn meanwhile
    (run.folder / _PROGRESS).unlink(missing_ok=True)  # of a worker that was killed
    try:
        wanted = pending.images, pending.features
        message = change(run, pending.action, settings, *wanted, on_progress=_noting(run))
        is_done = True
    except (ValueError, OSError, RuntimeError, StoreError) as error:
        _log.warning("index of run %s: %s failed: %s", run.id, pending.action, error)
        message, is_done = str(error), False
    if not run.folder.exists():
        return  # the run was to be deleted
    (run.folder / _PROGRESS).unlink(missing_ok=True)
    result = IndexResult(action=pending.action, is_done=is_done, message=message, finished=_now())
    write(run.folder / _RESULT, result)
    with FileLock(run.folder / _LOCK):
        if requested(run) == pending:  # else something else was asked for meanwhile: it comes next
            (run.folder / _REQUEST).unlink(missing_ok=True)


def _noting(run: Run) -> Callable[[str], None]:
    """A callback that writes how far a request is where `progress` reads it."""

    def note(message: str) -> None:
        write(run.folder / _PROGRESS, IndexProgress(message=message), durable=False)

    return note


def change(
    run: Run,
    action: Action,
    settings: Settings,
    images: Images = "all",
    features: KeptFeatures = "none",
    on_progress: Callable[[str], None] = ignore_progress,
) -> str:
    """Change a run's index in one way and say what came of it.

    Args:
        run: that the index is of.
        action: what is wanted.
        settings: name the store.
        images: which images it covers, where it is published.
        features: what it keeps beside the codes, where it is published.
        on_progress: is told how far it is, in words.

    Raises:
        RunError, DatasetError, StoreError: it cannot be done; the index is as it was.
    """
    from pipeline.index.store.opening import (
        store_of,  # a second for the client; few workers need it
    )

    store = patient(store_of(settings), settings.qdrant_wait_s, on_progress)
    try:
        if action == "publish":
            return _publish(run, settings, store, images, features, on_progress)
        return _change(run, action, settings, store)
    finally:
        store.close()  # an embedded version is open in one process at a time


def verify(run: Run, dataset: RetrievalDataset, store: CodeStore) -> str:
    """Compare the live index with the run's codes, and those with its images; says what holds.

    Raises:
        RunError: the run has no index, no usable network, or its data set has other content by now.
        ImageError: an image is gone or has changed.
        WrongCodes: the index does not hold the run's codes, or its network gives others.
        StoreError: the store does not answer, or the index was built for another run.
    """
    if read_index(run) is None:
        raise RunError(f"run {run.id} has no index to verify; publish it first")
    run.check_dataset(*dataset.info.fingerprints)
    record = open_index(run, store)
    parts = published_parts(run, record)
    published, _ = codes_as_published(run, parts)
    n_waiting = len(searched_codes(run, record.images)[1]) - len(published)
    verify_index(record.alias, store, published)
    n_sampled = _check_sample(run, dataset, parts)
    sentence = (
        f"{record.count:,} codes as in the run, also by the distances of {N_PROBES} searches; "
        f"{n_sampled} images encoded again give the same codes"
    )
    waits = f"; {n_waiting:,} encoded images are not in it yet, refresh adds them"
    return sentence + waits * (n_waiting > 0)


def _check_sample(run: Run, dataset: RetrievalDataset, parts: Mapping[str, int]) -> int:
    """Encode some published images of each part of the run's codes again; returns how many.

    Raises:
        WrongCodes: the network gives other codes than those stored.
    """
    n_sampled = 0
    for part, size in parts.items():  # the parts were made apart, and one may be small
        if not size:
            continue
        n_sampled += min(N_SAMPLED, size)
        codes, rows = codes_as_published(run, {part: size})
        if len(other := differing_rows(run, dataset, codes, rows)):
            name = dataset.manifest["image_id"].iloc[other[0]]
            raise WrongCodes(
                f"the network of run {run.id} encodes {len(other)} of {n_sampled} images "
                f"otherwise than the index holds them, the first is {name!r}; refresh the index, "
                "or run the method again if that does not help"
            )
    return n_sampled


def verify_rescoring(
    run: Run, dataset: RetrievalDataset, store: CodeStore, settings: Settings
) -> str:
    """Compare the features in the live index with those on the disk; says what holds.

    Empty where the index keeps none.

    Raises:
        RunError: the run has no index, or features are not stored.
        WrongCodes: the index holds others.
        StoreError: the store does not answer, or the index was built for another run.
    """
    record = open_index(run, store)
    if (features := open_features(run, dataset, record.features, settings)) is None:
        return ""
    built_from = store.info(record.alias).metadata.get("dataset_fingerprint")
    if built_from != dataset.info.fingerprint:
        return "; features not compared: the data set has other images by now, refresh first"
    codes, rows = codes_as_published(run, published_parts(run, record))
    verify_features(record.alias, store, codes, rows, features)
    return f"; the cosines of {N_PROBES} rescored searches are those of the features"


def _publish(
    run: Run,
    settings: Settings,
    store: CodeStore,
    images: Images,
    kept: KeptFeatures,
    on_progress: Callable[[str], None],
) -> str:
    dataset = load_dataset(run.spec.dataset, settings)
    problem = encode_what_can_be(run, dataset, settings) if images == "all" else ""
    features = open_features(run, dataset, kept, settings)
    record = publish(
        run,
        dataset,
        store,
        images=images,
        features=features,
        force=True,
        on_progress=lambda done, total: on_progress(f"{done:,} of {total:,} codes"),
    )
    covered = in_words(record.count, len(dataset), images)
    beside = "" if kept == "none" else f", with {kept} features"
    return (
        f"{record.count:,} codes in {record.collection}{beside}, {covered}"
        f"{problem and f'; {problem}'}"
    )


def _change(run: Run, action: Action, settings: Settings, store: CodeStore) -> str:
    if action == "roll back":
        record = roll_back(run, store)
        return f"back to {record.collection} with {record.count:,} codes"
    if action == "drop":
        return f"{drop_index(run, store)} versions removed"
    if action == "delete":
        n_versions = drop_index(run, store)
        RunRegistry(settings).delete(run)
        return f"the run and {n_versions} versions of its index removed"
    n_new, record = refresh(run, load_dataset(run.spec.dataset, settings), store, settings)
    return f"{record.count:,} codes in {record.collection}, {n_new:,} of them new"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")  # two requests must differ
