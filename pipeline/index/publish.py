"""Publish the codes of a run: build a new collection, verify it, switch the alias."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.files import write_atomic
from pipeline.index.built_from import check_built_from, expected_metadata
from pipeline.index.coverage import Images, part_sizes, searched_codes
from pipeline.index.index_features import IndexFeatures, KeptFeatures
from pipeline.index.payloads import IndexItems
from pipeline.index.store.base import (
    CodeStore,
    CollectionMismatch,
    StoreError,
    StoreUnavailable,
)
from pipeline.index.store.features import FEATURES, feature_bytes
from pipeline.index.verification import WrongCodes, verify_features, verify_index
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.run import Run
from pipeline.sums import read_checked

_NOW, _BEFORE = "index.json", "index-before.json"
_log = logging.getLogger(__name__)
_UPLOAD_ROWS = 2048  # rows between two progress reports


class IndexRecord(BaseModel):
    """Record of a published run (index.json in its folder; index-before.json: the version before).

    Attributes:
        alias: alias that is searched.
        collection: collection behind the alias.
        count: codes in it.
        created: ISO 8601, UTC.
        images: which images it covers.
        parts: codes in it from each part of the run's codes; none in records of earlier versions.
        features: kept beside the codes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alias: str
    collection: str
    count: int
    created: str
    images: Images = "database"  # as earlier versions published
    parts: dict[str, int] = {}
    features: KeptFeatures = "none"


def index_alias(run: Run) -> str:
    """The alias under which a run's codes are searched; no other run has it.

    One that was published before runs had their own keeps the alias that it has.
    """
    if record := read_index(run):
        return record.alias
    spec, suffix = run.spec, hashlib.sha256(run.id.encode()).hexdigest()[:8]
    return f"codes__{spec.dataset}__{spec.method}-{suffix}__{spec.bits}b"


def read_index(run: Run) -> IndexRecord | None:
    """Record of the last publication; None if there is none, or if it is damaged."""
    return _read_record(run, _NOW)


def _read_record(run: Run, name: str) -> IndexRecord | None:
    try:
        return IndexRecord.model_validate_json(read_checked(run.folder / name), extra="ignore")
    except (OSError, ValueError):
        return None


def write_index(run: Run, record: IndexRecord) -> None:
    """Note where the run is published."""
    write_atomic(run.folder / _NOW, record.model_dump_json(indent=2))


def publish(
    run: Run,
    dataset: RetrievalDataset,
    store: CodeStore,
    *,
    images: Images = "all",
    features: IndexFeatures | None = None,
    force: bool = False,
    on_progress: Progress = ignore_progress,
) -> IndexRecord:
    """Make a finished run searchable; searches see the old index or the new one, never a part.

    A version left half-built by a kill is dropped and built again. The version before the new one
    is kept, so that the alias can be pointed back.

    Args:
        run: run with stored codes.
        dataset: data set of the run; gives payloads.
        store: store that the codes go to.
        images: which images the index covers, of those that have a code.
        features: that the index keeps beside the codes, to rescore by itself; None: none.
        force: build a new version even when all its codes are published.
        on_progress: called with images done and images in all.

    Raises:
        RunError: the run has no codes, or its data set has other content by now, or features of
            some images are not stored.
        StoreError, OSError: the store refuses, has no room, or holds other than the codes.
    """
    alias = index_alias(run)
    kept: KeptFeatures = features.type if features else "none"
    run.check_dataset(*dataset.info.fingerprints)
    with publish_lock(run):
        codes, rows = searched_codes(run, images)  # now: a refresh may have added some meanwhile
        before, live = read_index(run), store.resolve(alias)
        if before and live and not force and before.collection == live:
            is_whole = (before.images, before.count, before.features) == (images, len(codes), kept)
            if is_whole and _fits(live, run, store):
                return before
        versions = _versions(store, alias)
        newest = _version_of(live) if live else 0
        for collection in versions:
            if _version_of(collection) > newest:  # left by a kill
                store.drop(collection)
        record = _new_record(run, f"{alias}__v{newest + 1}", images, kept)
        _build(record, run, dataset, store, codes, rows, features, on_progress)
        try:
            verify_index(record.collection, store, codes)
            if features:
                verify_features(record.collection, store, codes, rows, features)
        except WrongCodes as error:
            raise WrongCodes(f"{error}; the index was not published") from error
        store.publish(alias, record.collection)
        if before and before.collection == live:
            write_atomic(run.folder / _BEFORE, before.model_dump_json(indent=2))
        write_index(run, record)
        for collection in versions:
            if _version_of(collection) < newest:
                store.drop(collection)
    return record


def _new_record(run: Run, collection: str, images: Images, kept: KeptFeatures) -> IndexRecord:
    sizes = part_sizes(run, images)
    return IndexRecord(
        alias=index_alias(run),
        collection=collection,
        count=sum(sizes.values()),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        images=images,
        parts=sizes,
        features=kept,
    )


def _fits(collection: str, run: Run, store: CodeStore) -> bool:
    """Whether the live index was built from this run, and as this version builds it.

    An embedded one that another process has open cannot be asked: it does not count as fitting.
    """
    try:
        check_built_from(run, store.info(collection))
    except (CollectionMismatch, StoreUnavailable):
        return False
    return True


def _build(
    record: IndexRecord,
    run: Run,
    dataset: RetrievalDataset,
    store: CodeStore,
    codes: HashCodes,
    rows: NDArray[np.int64],
    features: IndexFeatures | None,
    on_progress: Progress,
) -> None:
    """Create the collection and upload all codes with their payloads and features."""
    beside_bytes = feature_bytes(features.type, 1, features.dim) if features else 0
    store.check_room(len(codes), beside_bytes)
    metadata = {
        **expected_metadata(run),
        "created": record.created,
        "dataset": dataset.info.name,
        "dataset_fingerprint": dataset.info.fingerprint,
        "run": run.id,
        "count": record.count,
        "images": record.images,
        "parts": record.parts,
    }
    store.create(record.collection, codes.bits, metadata, features.vectors if features else None)
    items = IndexItems(run, dataset, rows)
    for start in range(0, len(items), _UPLOAD_ROWS):
        part = np.arange(start, min(start + _UPLOAD_ROWS, len(items)))
        beside = features.of_rows(rows[part]) if features else None
        ids, payloads = items.ids(part), items.payloads(part)
        store.add(record.collection, ids, codes[part], payloads, beside)
        on_progress(start + len(part), len(items))


def searched_images(run: Run) -> Images:
    """Which images a search covers: those of the index; all where there is none."""
    record = read_index(run)
    return record.images if record else "all"


def published_parts(run: Run, record: IndexRecord) -> dict[str, int]:
    """Codes in an index from each part of the run's codes.

    Raises:
        RunError: the codes are not there or damaged.
    """
    if record.parts:
        return record.parts
    n_database = len(run.load_codes("database")[1])
    return {"database": n_database, "added": record.count - n_database}


@contextmanager
def publish_lock(run: Run) -> Iterator[None]:
    """Lock of a run's index and of the codes added to it; another process is waited for."""
    lock = FileLock(run.folder / ".publish.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.info("another process changes the index of run %s; waiting for it", run.id)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _versions(store: CodeStore, alias: str) -> list[str]:
    pattern = re.compile(re.escape(alias) + r"__v\d+")
    return [name for name in store.collections() if pattern.fullmatch(name)]


def _version_of(collection: str) -> int:
    return int(collection.rsplit("__v", 1)[1])


def roll_back(run: Run, store: CodeStore) -> IndexRecord:
    """Point the run's alias at the version before the live one.

    Raises:
        StoreError: there is no older version.
    """
    alias = index_alias(run)
    with publish_lock(run):
        live = store.resolve(alias)
        older = [
            name
            for name in _versions(store, alias)
            if live is not None and _version_of(name) < _version_of(live)
        ]
        if not older:
            raise StoreError(f"{alias} has no older version to go back to")
        record = _record_of(max(older, key=_version_of), run, store)
        store.publish(alias, record.collection)
        write_index(run, record)
    return record


def _record_of(collection: str, run: Run, store: CodeStore) -> IndexRecord:
    """What was noted when a version went live, else what the store says.

    Another process may have an embedded version open, which then cannot be asked.
    """
    noted = _read_record(run, _BEFORE)
    if noted is not None and noted.collection == collection:
        return noted
    info = store.info(collection)
    known: dict[str, object] = {
        name: info.metadata[name] for name in ("images", "parts") if name in info.metadata
    }
    kept = info.metadata.get(FEATURES)
    if isinstance(kept, dict):
        known["features"] = kept["type"]
    return IndexRecord.model_validate(
        {
            "alias": index_alias(run),
            "collection": collection,
            "count": info.count,
            "created": info.created,
            **known,
        }
    )


def drop_index(run: Run, store: CodeStore) -> int:
    """Remove all versions of a run's index; returns how many there were.

    Raises:
        StoreError: one cannot be removed; the run still counts as published, so try again.
    """
    with publish_lock(run):
        versions = _versions(store, index_alias(run))
        records = [run.folder / name for name in (_NOW, _BEFORE) if (run.folder / name).exists()]
        for path in records:  # first: a kill leaves collections without a run, not the reverse
            path.replace(path.with_name(f".{path.name}.deleted"))
        try:
            for collection in versions:
                store.drop(collection)
        except Exception:
            for path in records:
                path.with_name(f".{path.name}.deleted").replace(path)
            raise
        for name in (_NOW, _BEFORE):  # also of a drop that was killed
            (run.folder / f".{name}.deleted").unlink(missing_ok=True)
    return len(versions)
