"""Refreshing: images that a data set got after a run are encoded and added to the run's index.

The run's evaluation stays what it was: added codes lie beside the database codes, in added.npz.
Images that a run of an earlier version left out, and queries that came after it, go to others.npz.

Earlier versions encoded them by the published weights where the backbone had learned with the
method; such codes are made again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from models.errors import WeightsError
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.images import ImageError
from pipeline.index.coverage import Images, searched_codes
from pipeline.index.index_features import open_features
from pipeline.index.publish import (
    IndexRecord,
    publish,
    publish_lock,
    published_parts,
    read_index,
    write_index,
)
from pipeline.index.reencoding import differing_rows, encode_rows
from pipeline.index.store.base import CodeStore
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.sums import remove
from pipeline.wording import plural


def refresh(
    run: Run,
    dataset: RetrievalDataset,
    store: CodeStore,
    settings: Settings,
    on_progress: Progress = ignore_progress,
) -> tuple[int, IndexRecord]:
    """Make the images that came after the run searchable; returns their number and the index.

    Only they are encoded. Searches see the old version of the index until the new one is whole; if
    a kill or the store interrupts it, the next call resumes.

    Raises:
        RunError: the run has no index, no method or codes, or the data set is another by now.
        ImageError: an image is gone or has changed.
        StoreError: the store refuses, or what it then holds does not match the codes.
    """
    record = read_index(run)
    if record is None:
        raise RunError(f"run {run.id} has no index to refresh; publish it first")
    n_new = encode_added(run, dataset, settings, on_progress, images=record.images)
    features = open_features(run, dataset, record.features, settings)
    return n_new, publish(run, dataset, store, images=record.images, features=features)


def encode_what_can_be(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    on_progress: Progress = ignore_progress,
) -> str:
    """Encode every image that has no code yet, before a run is published with all.

    Returns:
        How many images stay without a code, and why; empty when none does.
    """
    try:
        encode_added(run, dataset, settings, on_progress)
    except (RunError, WeightsError, ImageError, OSError) as error:
        n_missing = len(dataset) - len(searched_codes(run)[1])
        return f"{plural(n_missing, 'image')} cannot be encoded and are not in the index: {error}"
    return ""


def encode_added(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    on_progress: Progress = ignore_progress,
    *,
    images: Images = "all",
) -> int:
    """Encode the images that an index covers and that have no code yet; returns how many.

    With `database` these are the images that came after the run and are no queries.

    Raises:
        RunError: the run has no method or codes, or the data set is another by now.
        ImageError: an image is gone or has changed.
    """
    run.check_dataset(*dataset.info.fingerprints)
    _drop_foreign(run, dataset)
    return sum(
        _keep(run, part, encode_rows(run, dataset, rows, settings, on_progress), rows)
        for part, rows in _missing_rows(run, dataset, images).items()
        if len(rows)
    )


def _drop_foreign(run: Run, dataset: RetrievalDataset) -> None:
    """Forget added codes that come from other weights than those that the backbone has learned."""
    path = run.folder / "codes" / "added.npz"
    if run.spec.finetune is None or not path.exists():
        return
    if not len(differing_rows(run, dataset, *run.load_codes("added"))):
        return
    with publish_lock(run):
        remove(path)
        if record := read_index(run):  # it holds this many right codes: the others are published
            parts = {**published_parts(run, record), "added": 0}
            right = {"count": sum(parts.values()), "parts": parts}
            write_index(run, record.model_copy(update=right))


def _keep(run: Run, part: str, codes: HashCodes, rows: NDArray[np.int64]) -> int:
    """Store codes, but for those that another process stored meanwhile; returns how many."""
    with publish_lock(run):
        is_new = ~np.isin(rows, searched_codes(run)[1])
        codes, rows = HashCodes(codes.packed[is_new], codes.bits), rows[is_new]
        n_new = len(rows)
        if n_new and (run.folder / "codes" / f"{part}.npz").exists():
            before, rows_before = run.load_codes(part)
            codes = HashCodes(np.concatenate([before.packed, codes.packed]), codes.bits)
            rows = np.concatenate([rows_before, rows])
        if n_new:
            run.save_codes(part, codes, rows)
    return n_new


def _missing_rows(
    run: Run, dataset: RetrievalDataset, images: Images
) -> dict[str, NDArray[np.int64]]:
    """Manifest rows without a code, by the part that their codes go to."""
    sizes = dict(dataset.info.grown_from)
    start = sizes.get(run.status().dataset_fingerprint, len(dataset))
    rows = np.setdiff1d(np.arange(len(dataset)), searched_codes(run)[1])
    is_added = (rows >= start) & (dataset.manifest["split"].to_numpy()[rows] != "query")
    parts = {"added": rows[is_added]}
    return parts if images == "database" else {**parts, "others": rows[~is_added]}
