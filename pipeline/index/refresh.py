"""Refreshing: images that a data set got after a run are encoded and added to the run's index.

The run's evaluation stays what it was: added codes lie beside the database codes, in added.npz.

Earlier versions encoded them by the published weights where the backbone had learned with the
method; such codes are made again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.publish import (
    IndexRecord,
    publish,
    publish_lock,
    read_index,
    searched_codes,
    write_index,
)
from pipeline.index.reencoding import differing_rows, encode_rows
from pipeline.index.store.base import CodeStore
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings


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
    if read_index(run) is None:
        raise RunError(f"run {run.id} has no index to refresh; publish it first")
    n_new = encode_added(run, dataset, settings, on_progress)
    return n_new, publish(run, dataset, store)


def encode_added(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    on_progress: Progress = ignore_progress,
) -> int:
    """Encode the images that came after the run and are no queries; returns how many.

    Raises:
        RunError: the run has no method or codes, or the data set is another by now.
        ImageError: an image is gone or has changed.
    """
    run.check_dataset(*dataset.info.fingerprints)
    _drop_foreign(run, dataset)
    new = _new_rows(run, dataset)
    if not len(new):
        return 0
    return _keep(run, encode_rows(run, dataset, new, settings, on_progress), new)


def _drop_foreign(run: Run, dataset: RetrievalDataset) -> None:
    """Forget added codes that come from other weights than those that the backbone has learned."""
    path = run.folder / "codes" / "added.npz"
    if run.spec.finetune is None or not path.exists():
        return
    if not len(differing_rows(run, dataset, *run.load_codes("added"))):
        return
    with publish_lock(run):
        path.unlink()
        if record := read_index(run):  # it holds this many right codes: the others are published
            n_database = len(run.load_codes("database")[1])
            write_index(run, record.model_copy(update={"count": n_database}))


def _keep(run: Run, codes: HashCodes, rows: NDArray[np.int64]) -> int:
    """Store added codes, but for those that another process stored meanwhile; returns how many."""
    with publish_lock(run):
        is_new = ~np.isin(rows, searched_codes(run)[1])
        codes, rows = HashCodes(codes.packed[is_new], codes.bits), rows[is_new]
        n_new = len(rows)
        if n_new and (run.folder / "codes" / "added.npz").exists():
            before, rows_before = run.load_codes("added")
            codes = HashCodes(np.concatenate([before.packed, codes.packed]), codes.bits)
            rows = np.concatenate([rows_before, rows])
        if n_new:
            run.save_codes("added", codes, rows)
    return n_new


def _new_rows(run: Run, dataset: RetrievalDataset) -> NDArray[np.int64]:
    """Manifest rows that came after the run and have no code yet."""
    sizes = dict(dataset.info.grown_from)
    start = sizes.get(run.status().dataset_fingerprint, len(dataset))
    rows = np.arange(start, len(dataset))
    rows = rows[(dataset.manifest["split"].to_numpy()[rows] != "query")]
    return np.setdiff1d(rows, searched_codes(run)[1])
