"""Relaxed codes of stored images: what a method puts out before the sign, where it is available."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import NotFittedError, WeightsError
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.images import ImageError
from pipeline.index.cosine import Values
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings

_BLOCK = 1 << 13  # images whose features are in memory
_WEAK = 0.2  # of the median size of an output: less than that is near the threshold


class NoRelaxedCodes(Exception):  # noqa: N818 - says what is missing
    """The relaxed codes of a run are unavailable; the message says what is missing."""


def relaxed_codes(
    run: Run, dataset: RetrievalDataset, rows: NDArray[np.int64], settings: Settings
) -> NDArray[np.float32]:
    """Outputs (m, K) of the run's method for images of its data set; their signs are the codes.

    Only features that are in the cache are used: nothing is computed from images here.

    Raises:
        NoRelaxedCodes: model or features are not there, or the backbone has learned with the method
            and its features are not kept.
    """
    if run.spec.finetune is not None:
        raise NoRelaxedCodes(
            "the backbone learned with the method, and its features are not kept; a run with a "
            "frozen backbone has them"
        )
    try:
        cache = FeatureCache(run.load_backbone(), settings)
        if n_missing := cache.n_missing(dataset, rows):
            raise NoRelaxedCodes(
                f"{n_missing} of {len(rows)} images have no stored features of "
                f"{run.spec.backbone}; run the method on this data set again"
            )
        method, parts = run.load_method(), []
        for start in range(0, len(rows), _BLOCK):
            features = np.array(cache.get(dataset, images=rows[start : start + _BLOCK]))
            with torch.inference_mode():
                parts.append(method.relax(torch.from_numpy(features)).numpy())
    except (RunError, WeightsError, NotFittedError, ImageError) as error:
        raise NoRelaxedCodes(str(error)) from error
    return np.concatenate(parts)


def weak_bits(relaxed: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Outputs (m, K) so near to the threshold that a small change would turn the bit.

    Nearer than a fifth of the median size of all outputs, since methods differ in scale.
    """
    size = np.abs(relaxed)
    weak: NDArray[np.bool_] = size < _WEAK * np.median(size)
    return weak


def relaxed_values(relaxed: NDArray[np.float32], opened: OpenRun) -> Values:
    """Asymmetric distance: the query keeps its real values, stored images have bits only.

    A bit the network was sure of weighs more than one it nearly decided the other way. The value is
    the negative inner product of the relaxed query (K,) and the ±1 code.
    """

    def values(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        places = [opened.place_of[int(row)] for row in rows]
        signs = opened.database_codes[places].signs().astype(np.float32)
        return np.asarray(-(signs @ relaxed), np.float32)

    return values
