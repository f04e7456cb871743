"""Rankings of a run that need more than its codes: real-valued queries, or stored features."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.ranking import Similarities, ranked, unit_length
from pipeline.evaluation.rankings import (
    ASYMMETRIC,
    SHORTLIST,
    asymmetric_similarities,
    rescored_similarities,
)
from pipeline.features import FeatureCache
from pipeline.runs.cosine_neighbours import mean_features
from pipeline.runs.results import RunError
from pipeline.runs.run import Run

_TIMED = 4  # queries
_REPEATS = 3


@dataclass(frozen=True)
class Ranked:
    """A ranking of the database for every query, and what it costs.

    Attributes:
        similarities: (b, n) of successive queries, the greatest first.
        cold_bytes: bytes per image that are kept on the disk for it, beside the codes.
        search_s: seconds of one search on one core.
    """

    similarities: Iterator[Similarities]
    cold_bytes: int
    search_s: float


def rank_run(
    run: Run,
    dataset: RetrievalDataset,
    cache: FeatureCache,
    ranking: str,
    query: tuple[HashCodes, NDArray[np.float32]],
    database: tuple[HashCodes, NDArray[np.int64]],
) -> Ranked:
    """Rank the database of a run otherwise than by Hamming distance.

    Args:
        run: whose codes are ranked.
        dataset: data set of the run.
        cache: features of the run's backbone.
        ranking: one of `RANKINGS` but the first.
        query: codes of the queries and their features (q, d).
        database: codes of the database and their manifest rows.

    Raises:
        RunError: the backbone learned with the method, so that its features are not kept, or the
            model is not there.
        ImageError: an image whose features are missing is gone or has changed.
    """
    if run.spec.finetune is not None:
        raise RunError("the backbone learned with the method, and its features are not kept")
    if ranking == ASYMMETRIC:
        return _asymmetric(run, query[1], database[0])
    return _rescored(cache.get(dataset), query, database)


def _asymmetric(run: Run, features: NDArray[np.float32], codes: HashCodes) -> Ranked:
    from pipeline.runs.codecs import signs

    with torch.inference_mode():
        relaxed = run.load_method().relax(torch.from_numpy(np.array(features))).numpy()
    search_s = signs(codes.bits).search_s(codes.packed, relaxed[:_TIMED])
    return Ranked(asymmetric_similarities(relaxed, codes), 0, search_s)


def _rescored(
    features: NDArray[np.float32],
    query: tuple[HashCodes, NDArray[np.float32]],
    database: tuple[HashCodes, NDArray[np.int64]],
) -> Ranked:
    (query_codes, query_features), (codes, rows) = query, database
    mean = mean_features(features, rows)
    directions = unit_length(query_features - mean)

    def cosines(number: int, places: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(unit_length(features[rows[places]] - mean) @ directions[number])

    search_s = float("inf")
    for _ in range(_REPEATS):
        began = time.perf_counter()
        nearest, _ = ranked(query_codes[:_TIMED], codes, SHORTLIST)
        for number, places in enumerate(nearest):
            np.argsort(-cosines(number, places))
        search_s = min(search_s, (time.perf_counter() - began) / len(nearest))
    similarities = rescored_similarities(query_codes, codes, cosines)
    return Ranked(similarities, features.shape[1] * features.itemsize, search_s)
