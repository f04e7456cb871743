"""Nearest neighbours by the cosine of features: what codes should keep, whatever the labels say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.evaluation.ranking import Counts, FeatureRows, OnProgress, unit_length

_QUERIES, _ITEMS = 1024, 8192  # compared at a time: 32 MB of similarities


def nearest_by_cosine(
    query_features: NDArray[np.floating[Any]],
    database_features: FeatureRows,
    k: int,
    on_progress: OnProgress = lambda done, total: None,
) -> NDArray[np.int64]:
    """The k items of the database that are most similar to each query.

    Args:
        query_features: (q, d).
        database_features: (n, d), of which a block is in memory at a time.
        k: how many; fewer where the database is smaller.
        on_progress: called with queries done and queries in all.

    Returns:
        Positions (q, min(k, n)) in the database, nearest first. Which of several equal ones
        is the last is arbitrary, but always the same.

    Raises:
        ValueError: k is below 1, or a feature is not a number.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    n = database_features.shape[0]
    k = min(k, n)
    nearest = np.empty((len(query_features), k), np.int64)
    for first in range(0, len(query_features), _QUERIES):
        queries = unit_length(np.asarray(query_features[first : first + _QUERIES], np.float32))
        best = np.zeros((len(queries), 0), np.float32)
        places = np.zeros((len(queries), 0), np.int64)
        for start in range(0, n, _ITEMS):
            block = unit_length(np.asarray(database_features[start : start + _ITEMS], np.float32))
            best, places = _merged(best, places, queries @ block.T, start, k)
        nearest[first : first + len(queries)] = places
        on_progress(first + len(queries), len(query_features))
    return nearest


def neighbour_counts(
    query_codes: HashCodes, database_codes: HashCodes, nearest: NDArray[np.int64], total: Counts
) -> Counts:
    """A ranking histogram whose relevant items are the given neighbours.

    Args:
        query_codes: q codes of K bits.
        database_codes: n codes of K bits.
        nearest: (q, k) positions in the database.
        total: (q, K + 1, G + 1) counts of the same ranking under any relevance.

    Returns:
        (q, K + 1, 2) counts: the others, and the neighbours.
    """
    q, levels, _ = total.shape
    queries, items = query_codes.words(), database_codes.words()
    differing = np.bitwise_count(queries[:, None, :] ^ items[nearest])
    distance = differing.sum(axis=2, dtype=np.int64)  # (q, k)
    cells = np.arange(q)[:, None] * levels + distance
    neighbours = np.bincount(cells.ravel(), minlength=q * levels).reshape(q, levels)
    return np.stack([total.sum(axis=2) - neighbours, neighbours], axis=2)


def _merged(
    best: NDArray[np.float32],
    places: NDArray[np.int64],
    similarity: NDArray[np.float32],
    start: int,
    k: int,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k most similar of those found so far and of a block, most similar first."""
    import torch  # heavy: not loaded by commands that rank nothing

    few = min(k, similarity.shape[1])
    found, here = torch.from_numpy(similarity).topk(few, dim=1)  # much faster than argpartition
    values = np.concatenate([best, found.numpy()], axis=1)
    where = np.concatenate([places, start + here.numpy()], axis=1)
    order = np.lexsort((where, -values), axis=1)[:, :k]
    return np.take_along_axis(values, order, 1), np.take_along_axis(where, order, 1)
