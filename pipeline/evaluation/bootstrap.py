"""Significance: is a gap between two runs more than chance, and more than the order of ties?

Runs of one comparison rank the same database for the same queries. One set of resampled queries
therefore serves all of them: every run is resampled with the same draws, which is what makes the
differences paired, and a table of ninety runs costs one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.evaluation.report import Report

Values = NDArray[np.float64]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gap:
    """How far one run is ahead of another in mAP, in [-1, 1].

    Attributes:
        difference: mean over the queries, ties averaged.
        low: lower end of its paired bootstrap interval.
        high: upper end.
        tie_low: the difference if every tie fell worst for the first run and best for the second.
        tie_high: the other way round.
    """

    difference: float
    low: float
    high: float
    tie_low: float
    tie_high: float

    @property
    def is_within_ties(self) -> bool:
        """Whether an evaluator that sorts could turn the order round by its order of ties."""
        return self.tie_low <= 0 <= self.tie_high


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
    first: tuple[Report, ArrayLike],
    others: Sequence[tuple[Report, ArrayLike]],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> list[Gap]:
    """How far a run is ahead of each of the others.

    With several others the intervals are widened (Bonferroni), so that all of them hold together
    with 95 % confidence: the best of many is often best by luck.

    Args:
        first: report and per-query AP (q,) of the run that is compared.
        others: the same of the others, on the same queries in the same order.
        seed: of the resampling.
        resamples: draws of q queries; the more others, the more it takes.

    Raises:
        ValueError: the runs have different numbers of queries.
    """
    if not others:
        return []
    report, own = first[0], np.asarray(first[1], np.float64)
    theirs = [np.asarray(ap, np.float64) for _, ap in others]
    for ap in theirs:
        if ap.shape != own.shape:
            raise ValueError(
                f"a paired comparison needs the same queries, got {len(own)} and {len(ap)} values"
            )
    differences = own[:, None] - np.stack(theirs, axis=1)  # (q, m)
    counts = resampled_counts(len(own), seed=seed, resamples=resamples)
    low, high = interval(
        counts @ differences / len(own), confidence=1 - (1 - CONFIDENCE) / len(others)
    )
    return [
        Gap(
            difference=float(differences[:, i].mean()),
            low=float(low[i]),
            high=float(high[i]),
            tie_low=report.map_worst - other.map_best,
            tie_high=report.map_best - other.map_worst,
        )
        for i, (other, _) in enumerate(others)
    ]
