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
from pipeline.indexing import (
    IndexRecord,
    publish_lock,
    searched_codes,
    verify_index,
    write_index,
)
from pipeline.payloads import item_id, item_payloads
from pipeline.runs import Run
from pipeline.search import open_index
from pipeline.settings import Settings
from pipeline.store.base import CodeStore

Progress = Callable[[int, int], None]
_UPLOAD_ROWS = 2048


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


def extend_index(run: Run, dataset: RetrievalDataset, store: CodeStore) -> IndexRecord:
    """Add the codes that the published index does not have yet; searches go on meanwhile.

    Adding twice changes nothing, so that a kill is repaired by the next call.

    Raises:
        RunError: the run has no index.
        StoreError: the store refuses, or what it then holds does not match the codes.
    """
    with publish_lock(run):
        record = open_index(run, store)
        codes, rows = searched_codes(run)
        for start in range(record.count, len(codes), _UPLOAD_ROWS):
            part = slice(start, start + _UPLOAD_ROWS)
            payloads = item_payloads(run, dataset, rows[part])
            ids = [item_id(dataset.info.name, str(payload["sha256"])) for payload in payloads]
            store.add(record.collection, ids, codes[part], payloads)
        extended = record.model_copy(update={"count": len(codes)})
        verify_index(extended, store, codes)
        write_index(run, extended)
    return extended


def _new_rows(run: Run, dataset: RetrievalDataset) -> NDArray[np.int64]:
    """Manifest rows that came after the run and have no code yet."""
    sizes = dict(dataset.info.grown_from)
    start = sizes.get(run.status().dataset_fingerprint, len(dataset))
    rows = np.arange(start, len(dataset))
    rows = rows[(dataset.manifest["split"].to_numpy()[rows] != "query")]
    return np.setdiff1d(rows, searched_codes(run)[1])
