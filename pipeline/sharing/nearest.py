"""The first results of every image as the app shows them: by distance, then by their features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.ranking import unit_length
from pipeline.index.cosine import cosine_of
from pipeline.index.ordering import MAX_TIES
from pipeline.runs.run import Run
from pipeline.stored_features import FeaturesMissing

LISTED = 48  # results of each image: what a page shows first, and once more of it
_CELLS = 8_000_000  # pairs that are compared at once


def first_results(
    run: Run, dataset: RetrievalDataset, codes: HashCodes, rows: NDArray[np.int64]
) -> NDArray[np.uint16] | None:
    """Places (n, min(48, n - 1)) of the first results of each image, without itself.

    Equally near images are in the order of their features' cosine, as in the app.

    Args:
        run: whose codes and backbone.
        dataset: of the run.
        codes: of the images (n), at most 65,536.
        rows: manifest rows (n,) of these.

    Returns:
        The places in `rows`, best first; None where there are no features to compare by.
    """
    try:
        cosine = cosine_of(run, dataset, run.library, run.load_backbone)
        features = unit_length(cosine.of_rows(rows) - cosine.mean)
    except (FeaturesMissing, RuntimeError, OSError):
        return None
    n_listed, step = min(LISTED, len(rows) - 1), max(1, _CELLS // len(rows))
    parts = [
        _nearest(codes, features, slice(start, start + step), n_listed)
        for start in range(0, len(rows), step)
    ]
    return np.concatenate(parts)


def _nearest(
    codes: HashCodes, features: NDArray[np.float32], part: slice, n_listed: int
) -> NDArray[np.uint16]:
    distances = codes[part].hamming(codes)
    found = np.empty((len(distances), n_listed), np.uint16)
    for row, own in enumerate(range(*part.indices(len(codes)))):
        far = distances[row]
        far[own] = codes.bits + 1  # after all others
        last = np.partition(far, n_listed - 1)[n_listed - 1]
        near = np.flatnonzero(far <= last)
        if len(near) > MAX_TIES:
            near = near[np.argsort(far[near], kind="stable")[:MAX_TIES]]
        order = np.lexsort((-(features[near] @ features[own]), far[near]))
        found[row] = near[order[:n_listed]]
    return found
