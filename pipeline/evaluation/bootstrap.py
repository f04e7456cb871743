"""Significance: is a gap between two runs more than another draw of queries would make?

Runs of one comparison rank the same database for the same queries. One set of resampled queries
therefore serves all of them: every run is resampled with the same draws, which is what makes the
differences paired, and a table of ninety runs costs one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gap:
    """How far one run is ahead of another in mAP, in [-1, 1].

    Attributes:
        difference: mean over the queries, ties averaged.
        low: lower end of its paired bootstrap interval.
        high: upper end.
    """

    difference: float
    low: float
    high: float


def resampled_counts(n_queries: int, *, seed: int = 0, resamples: int = 1000) -> Values:
    """How often each query is drawn (resamples, n_queries) in draws of n queries with replacement.

    Raises:
        ValueError: there are no queries.
    """
    if n_queries < 1:
        raise ValueError(f"the bootstrap needs at least one query, got {n_queries}")
    rng = np.random.default_rng(seed)
    drawn = rng.integers(n_queries, size=(resamples, n_queries))
    drawn += np.arange(resamples)[:, None] * n_queries
    counts = np.bincount(drawn.ravel(), minlength=resamples * n_queries)
    return counts.reshape(resamples, n_queries).astype(np.float64)


def interval(means: ArrayLike, confidence: float = CONFIDENCE) -> tuple[Values, Values]:
    """Percentile interval (m,), (m,) of resampled means (resamples, m)."""
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(np.asarray(means, np.float64), ends, axis=0)
    return low, high


def band(values: ArrayLike, counts: Values) -> tuple[Values, Values]:
    """95 % interval (m,), (m,) of the means of (q, m) per-query values over resampled queries."""
    sample = np.asarray(values, np.float64)
    return interval(counts @ sample / counts.shape[1])


def gaps(
    first: ArrayLike,
    others: Sequence[ArrayLike],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> list[Gap]:
    """How far a run is ahead of each of the others.

    With several others the intervals are widened (Bonferroni), so that all of them hold together
    with 95 % confidence: the best of many is often best by luck.

    Args:
        first: AP (q,) of each query of the run that is compared.
        others: values of the other runs, for the same queries in the same order.
        seed: seed of the resampling.
        resamples: draws of q queries; the more others, the more it takes.

    Raises:
        ValueError: the runs have different numbers of queries.
    """
    if not others:
        return []
    base = np.asarray(first, np.float64)
    theirs = [np.asarray(ap, np.float64) for ap in others]
    for ap in theirs:
        if ap.shape != base.shape:
            raise ValueError(
                f"a paired comparison needs the same queries, got {len(base)} and {len(ap)} values"
            )
    differences = base[:, None] - np.stack(theirs, axis=1)  # (q, m)
    counts = resampled_counts(len(base), seed=seed, resamples=resamples)
    low, high = interval(
        counts @ differences / len(base), confidence=1 - (1 - CONFIDENCE) / len(others)
    )
    return [
        Gap(float(difference), float(low[i]), float(high[i]))
        for i, difference in enumerate(differences.mean(axis=0))
    ]
