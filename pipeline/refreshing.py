"""Refreshing: images that a data set got after a run are encoded and added to the run's index.

The run's evaluation stays what it was: added codes lie beside the database codes, in added.npz.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones import load_backbone
from models.codes import HashCodes
from pipeline.datasets.base import RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.indexing import IndexRecord, publish, publish_lock, read_index, searched_codes
from pipeline.runs import Run, RunError
from pipeline.settings import Settings
from pipeline.store.base import CodeStore

Progress = Callable[[int, int], None]


def refresh(
    run: Run,
    dataset: RetrievalDataset,
    store: CodeStore,
    settings: Settings,
    on_progress: Progress = lambda done, total: None,
) -> tuple[int, IndexRecord]:
    """Make the images that came after the run searchable; how many there were, and the index.

    Only they are encoded. Searches see the old version of the index until the new one is whole; if
    a kill or the store interrupts it, the next call goes on.

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
    on_progress: Progress = lambda done, total: None,
) -> int:
    """Encode the images that came after the run and are no queries; returns how many.

    Raises:
        RunError: the run has no method or codes, or the data set is another by now.
        ImageError: an image is gone or has changed.
    """
    run.check_dataset(*dataset.info.fingerprints)
    new = _new_rows(run, dataset)
    if not len(new):
        return 0
    cache = FeatureCache(load_backbone(run.spec.backbone), settings)
    features = cache.get(dataset, on_progress, images=new)
    with torch.inference_mode():
        codes = run.load_method().encode(torch.from_numpy(np.array(features)))
    return _keep(run, codes, new)


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
