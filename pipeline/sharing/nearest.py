"""The first results of every image as the app shows them: by distance, then by their features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.ranking import unit_length
from pipeline.index.cosine import cosine_of
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
    # A cosine is in [-1, 1], and distances are whole: a quarter of it decides between equal ones.
    far = codes[part].hamming(codes) - 0.25 * (features[part] @ features.T).astype(np.float64)
    own = np.arange(*part.indices(len(codes)))
    far[np.arange(len(own)), own] = np.inf
    nearest = np.sort(np.argpartition(far, n_listed - 1, axis=1)[:, :n_listed], axis=1)
    order = np.argsort(np.take_along_axis(far, nearest, axis=1), axis=1, kind="stable")
    return np.take_along_axis(nearest, order, axis=1).astype(np.uint16)
