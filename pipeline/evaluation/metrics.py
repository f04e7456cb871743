"""Retrieval metrics from ranking histograms: pure functions over all queries, exact under ties.

Input is `counts` (q, levels, G + 1) of `ranking.py`: items at each level of a query's ranking, by
number of shared labels. An item is relevant when it shares at least one. Items of one level are
tied, and every value is the expectation over all their orders (McSherry and Najork, ECIR 2008; He
et al., CVPR 2018), unless a docstring says otherwise.

    symbol   meaning
    n, r, S  items, relevant items, shared labels summed over the items, of one level
    N, R     items, relevant items before that level
    R_q      relevant items of a query in the whole database
    H(i)     harmonic number 1 + 1/2 + ... + 1/i

A query without any relevant item scores 0 everywhere and stays in the mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.evaluation.ranking import Counts
from pipeline.evaluation.tied_sums import (
    Values,
    denominators,
    discounted_sum,
    harmonic_numbers,
    items_per_level,
    precision_sum,
    rank_limit,
    relevant_per_level,
    shared_per_level,
    sum_at,
    sums_before,
)


class Interval(NamedTuple):
    """A mean with its bootstrap confidence interval."""

    mean: float
    low: float
    high: float


def relevant_items(counts: Counts) -> NDArray[np.int64]:
    """R_q (q,): relevant items of each query in the database."""
    return np.asarray(relevant_per_level(counts).sum(axis=1))


def average_precision(counts: Counts, cutoff: int | None = None) -> Values:
    """AP@R (q,) in [0, 1]: precision summed over the relevant ranks up to R, over min(R_q, R).

    Args:
        counts: ranking histogram.
        cutoff: R; None counts all ranks.
    """
    return precision_sum(counts, relevant_per_level(counts), cutoff) / denominators(counts, cutoff)


def weighted_average_precision(counts: Counts, cutoff: int | None = None) -> Values:
    """WAP@R (q,) in [0, G]: ACG summed over the relevant ranks up to R, over min(R_q, R).

    Equals AP@R where a pair never shares more than one label.
    """
    return precision_sum(counts, shared_per_level(counts), cutoff) / denominators(counts, cutoff)


def average_precision_bounds(counts: Counts, cutoff: int | None = None) -> tuple[Values, Values]:
    """Worst and best AP@R (q,) over all tie orders: relevant items last or first in each level."""
    total, relevant = items_per_level(counts), relevant_per_level(counts)
    seen, relevant_before = sums_before(total), sums_before(relevant)
    harmonic = harmonic_numbers(total)

    def bound(start: NDArray[np.int64]) -> Values:
        """Relevant items on consecutive ranks after `start`: sum of (R + t)/(start + t) over t."""
        count = np.clip(rank_limit(cutoff, total) - start, 0, relevant)
        reciprocals = harmonic[start + count] - harmonic[start]
        sums: Values = (count + (relevant_before - start) * reciprocals).sum(axis=1)
        return sums / denominators(counts, cutoff)

    return bound(seen + total - relevant), bound(seen)


def hits_at(counts: Counts, ranks: ArrayLike) -> Values:
    """Relevant items (q, m) among the first N, for each N of `ranks` (m,)."""
    return sum_at(counts, relevant_per_level(counts), ranks)


def precision_at(counts: Counts, ranks: ArrayLike) -> Values:
    """P@N (q, m) in [0, 1]; ranks past the end of the database count as misses."""
    return np.asarray(hits_at(counts, ranks) / np.asarray(ranks))


def recall_at(counts: Counts, ranks: ArrayLike) -> Values:
    """Recall@N (q, m) in [0, 1]: hits among the first N over R_q."""
    return hits_at(counts, ranks) / np.maximum(relevant_items(counts), 1)[:, None]


def r_precision(counts: Counts) -> Values:
    """R-precision (q,) in [0, 1]: relevant items among the first R_q, over R_q; 0 without any."""
    ranks = relevant_items(counts)
    total, relevant = items_per_level(counts).cumsum(axis=1), relevant_per_level(counts)
    level = (total >= ranks[:, None]).argmax(axis=1)  # distance of rank R_q
    rows = np.arange(len(counts))
    items = items_per_level(counts)[rows, level]
    before = total[rows, level] - items
    hits = relevant.cumsum(axis=1)[rows, level] - relevant[rows, level]
    hits = hits + relevant[rows, level] * (ranks - before) / np.maximum(items, 1)
    return np.asarray(hits / np.maximum(ranks, 1), np.float64)


def first_relevant(counts: Counts) -> Values:
    """Rank (q,) of the first relevant item, in expectation over ties; n + 1 without any.

    Of t items at a distance, r of them relevant, the first relevant one stands at (t + 1) / (r + 1)
    on average.
    """
    total, relevant = items_per_level(counts), relevant_per_level(counts)
    level, rows = (relevant > 0).argmax(axis=1), np.arange(len(counts))
    items, hits = total[rows, level], relevant[rows, level]
    before = total.cumsum(axis=1)[rows, level] - items
    ranks = np.where(hits > 0, before + (items + 1) / (hits + 1), total.sum(axis=1) + 1)
    return np.asarray(ranks, np.float64)


def acg_at(counts: Counts, rank: int) -> Values:
    """ACG@N (q,) in [0, G]: mean shared labels over the first N (Järvelin and Kekäläinen, 2000)."""
    return sum_at(counts, shared_per_level(counts), [rank])[:, 0] / rank


def ndcg_at(counts: Counts, rank: int) -> Values:
    """NDCG@N (q,) in [0, 1] with gain 2^G - 1 and discount log2(1 + i).

    After Järvelin and Kekäläinen (2002), with the gain of Burges et al. (2005). The ideal ranking
    is that of the whole database by shared labels.
    """
    gain = 2.0 ** np.arange(counts.shape[2]) - 1
    ideal_total = counts.sum(axis=1)[:, ::-1]  # most shared labels first
    dcg = discounted_sum(items_per_level(counts), counts @ gain, rank)
    ideal = discounted_sum(ideal_total, ideal_total * gain[::-1], rank)
    return np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)


class Balls(NamedTuple):
    """Items within radius 0, 1, 2, ... of each query, all (q, levels).

    Attributes:
        retrieved: items.
        hits: relevant items.
        precision: share of relevant items; 0 for an empty ball.
        recall: share of all relevant items.
    """

    retrieved: NDArray[np.int64]
    hits: NDArray[np.int64]
    precision: Values
    recall: Values


def balls(counts: Counts) -> Balls:
    """Items, relevant items, precision and recall within every Hamming radius."""
    retrieved, hits = (
        items_per_level(counts).cumsum(axis=1),
        relevant_per_level(counts).cumsum(axis=1),
    )
    recall = hits / np.maximum(hits[:, -1:], 1)
    return Balls(retrieved, hits, hits / np.maximum(retrieved, 1), recall)


def ball_precision(counts: Counts, radius: int) -> Values:
    """Precision (q,) of the items within Hamming `radius`; 0 for an empty ball."""
    return balls(counts[:, : radius + 1]).precision[:, -1]


def ball_is_empty(counts: Counts, radius: int) -> NDArray[np.bool_]:
    """Whether (q,) no database item at all lies within Hamming `radius`."""
    return np.asarray(counts[:, : radius + 1].sum(axis=(1, 2)) == 0)


def lookup_succeeds(counts: Counts, radius: int) -> NDArray[np.bool_]:
    """Whether (q,) at least one relevant item lies within Hamming `radius`: the lookup pays off."""
    return np.asarray(counts[:, : radius + 1, 1:].sum(axis=(1, 2)) > 0)


def bootstrap_interval(
    values: ArrayLike, *, seed: int = 0, resamples: int = 1000, confidence: float = 0.95
) -> Interval:
    """Percentile bootstrap of the mean over queries (Efron and Tibshirani, 1993).

    Args:
        values: (q,) one value per query.
        seed: seed of the resampling; equal seeds give equal intervals.
        resamples: draws of q queries with replacement.
        confidence: share of the resampled means inside the interval.

    Raises:
        ValueError: `values` is not a non-empty vector.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"the bootstrap needs one value per query, got shape {sample.shape}")
    return bootstrap_intervals(
        sample[:, None], seed=seed, resamples=resamples, confidence=confidence
    )[0]


def bootstrap_intervals(
    values: Values, *, seed: int = 0, resamples: int = 1000, confidence: float = 0.95
) -> list[Interval]:
    """As `bootstrap_interval` for each column of (q, m) values, by the same draws of queries."""
    n = len(values)
    rng = np.random.default_rng(seed)
    means = np.empty((resamples, values.shape[1]))
    for part in np.array_split(means, -(-resamples * n // 1_000_000)):  # bounded memory
        drawn = rng.integers(n, size=(len(part), n)) + n * np.arange(len(part))[:, None]
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        part[:] = times @ values / n
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return [
        Interval(float(column.mean()), float(first), float(last))
        for column, first, last in zip(values.T, low, high, strict=True)
    ]


def paired_bootstrap(
    first: ArrayLike, second: ArrayLike, *, seed: int = 0, resamples: int = 1000
) -> Interval:
    """Mean difference first - second over the same queries, with its 95 % interval.

    An interval without 0 says that the order of two runs would survive another draw of queries; it
    says nothing about another training seed.

    Args:
        first: (q,) for example per-query AP of one run.
        second: (q,) of the other run, same queries in the same order.
        seed: seed of the resampling.
        resamples: draws of q queries with replacement.

    Raises:
        ValueError: the lengths differ.
    """
    mine, theirs = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if mine.shape != theirs.shape:
        raise ValueError(
            f"a paired comparison needs the same queries, got {len(mine)} and {len(theirs)} values"
        )
    return bootstrap_interval(mine - theirs, seed=seed, resamples=resamples)
