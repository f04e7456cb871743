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

Values = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean with its bootstrap confidence interval."""

    mean: float
    low: float
    high: float


def relevant_items(counts: Counts) -> NDArray[np.int64]:
    """R_q (q,): relevant items of each query in the database."""
    return np.asarray(_relevant(counts).sum(axis=1))


def average_precision(counts: Counts, cutoff: int | None = None) -> Values:
    """AP@R (q,) in [0, 1]: precision summed over the relevant ranks up to R, over min(R_q, R).

    Args:
        counts: ranking histogram.
        cutoff: R; None counts all ranks.
    """
    return _precision_sum(counts, _relevant(counts), cutoff) / _denominator(counts, cutoff)


def weighted_average_precision(counts: Counts, cutoff: int | None = None) -> Values:
    """WAP@R (q,) in [0, G]: ACG summed over the relevant ranks up to R, over min(R_q, R).

    Equals AP@R where a pair never shares more than one label.
    """
    return _precision_sum(counts, _shared(counts), cutoff) / _denominator(counts, cutoff)


def average_precision_bounds(counts: Counts, cutoff: int | None = None) -> tuple[Values, Values]:
    """Worst and best AP@R (q,) over all tie orders: relevant items last or first in each level."""
    total, relevant = _total(counts), _relevant(counts)
    seen, found = _before(total), _before(relevant)
    harmonic = _harmonic(total)

    def bound(start: NDArray[np.int64]) -> Values:
        """Relevant items on consecutive ranks after `start`: sum of (R + t)/(start + t) over t."""
        count = np.clip(_limit(cutoff, total) - start, 0, relevant)
        reciprocals = harmonic[start + count] - harmonic[start]
        sums: Values = (count + (found - start) * reciprocals).sum(axis=1)
        return sums / _denominator(counts, cutoff)

    return bound(seen + total - relevant), bound(seen)


def hits_at(counts: Counts, ranks: ArrayLike) -> Values:
    """Relevant items (q, m) among the first N, for each N of `ranks` (m,)."""
    return _sum_at(counts, _relevant(counts), ranks)


def precision_at(counts: Counts, ranks: ArrayLike) -> Values:
    """P@N (q, m) in [0, 1]; ranks past the end of the database count as misses."""
    return np.asarray(hits_at(counts, ranks) / np.asarray(ranks))


def recall_at(counts: Counts, ranks: ArrayLike) -> Values:
    """Recall@N (q, m) in [0, 1]: hits among the first N over R_q."""
    return hits_at(counts, ranks) / np.maximum(relevant_items(counts), 1)[:, None]


def acg_at(counts: Counts, rank: int) -> Values:
    """ACG@N (q,) in [0, G]: mean shared labels over the first N (Järvelin and Kekäläinen, 2000)."""
    return _sum_at(counts, _shared(counts), [rank])[:, 0] / rank


def ndcg_at(counts: Counts, rank: int) -> Values:
    """NDCG@N (q,) in [0, 1] with gain 2^G - 1 and discount log2(1 + i).

    After Järvelin and Kekäläinen (2002), with the gain of Burges et al. (2005). The ideal ranking
    is that of the whole database by shared labels.
    """
    gain = 2.0 ** np.arange(counts.shape[2]) - 1
    ideal_total = counts.sum(axis=1)[:, ::-1]  # most shared labels first
    dcg = _discounted(_total(counts), counts @ gain, rank)
    ideal = _discounted(ideal_total, ideal_total * gain[::-1], rank)
    return np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)


class Balls(NamedTuple):
    """What lies within radius 0, 1, 2, ... of each query, all (q, levels).

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
    retrieved, hits = _total(counts).cumsum(axis=1), _relevant(counts).cumsum(axis=1)
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


def legacy_average_precision(
    counts: Counts, cutoff: int | None, rng: np.random.Generator, orders: int = 5
) -> Values:
    """AP@R (q, orders) as most hashing papers print it, a column for each random tie order.

    The denominator is the number of relevant items *inside* the top R, which favours retrieving
    few: [+ - +] scores 5/6 but [+ - -] scores 1. Orders are drawn for every query on its own, rank
    by rank: the next item of a level is relevant with the share of relevant items left in it. Takes
    R steps, so it is meant for a cutoff.
    """
    total, relevant = _total(counts), _relevant(counts)
    last, found = total.cumsum(axis=1), relevant.cumsum(axis=1)
    row = np.arange(len(counts))[:, None]
    hits = np.zeros((len(counts), orders))
    score = np.zeros_like(hits)
    level = np.zeros((len(counts), 1), np.int64)
    for before in range(min(_limit(cutoff, total), int(last.max()))):
        while np.any(is_used_up := (last[row, level] <= before) & (level < last.shape[1] - 1)):
            level += is_used_up
        chance = (found[row, level] - hits) / np.maximum(last[row, level] - before, 1)
        is_hit = rng.random(hits.shape) < chance
        hits += is_hit
        score += is_hit * hits / (before + 1)
    return score / np.maximum(hits, 1)


def bootstrap_interval(
    values: ArrayLike, *, seed: int = 0, resamples: int = 1000, confidence: float = 0.95
) -> Interval:
    """Percentile bootstrap of the mean over queries (Efron and Tibshirani, 1993).

    Args:
        values: (q,) one value a query.
        seed: of the resampling; equal seeds give equal intervals.
        resamples: draws of q queries with replacement.
        confidence: share of the resampled means inside the interval.

    Raises:
        ValueError: `values` is not a non-empty vector.
    """
    sample = np.asarray(values, np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"the bootstrap needs one value a query, got shape {sample.shape}")
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for part in np.array_split(means, -(-resamples * len(sample) // 1_000_000)):  # bounded memory
        part[:] = sample[rng.integers(len(sample), size=(len(part), len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(sample.mean()), float(low), float(high))


def paired_bootstrap(
    first: ArrayLike, second: ArrayLike, *, seed: int = 0, resamples: int = 1000
) -> Interval:
    """Mean difference first - second over the same queries, with its 95 % interval.

    An interval without 0 says that the order of two runs would survive another draw of queries; it
    says nothing about another training seed.

    Args:
        first: (q,) for example per-query AP of one run.
        second: (q,) of the other run, same queries in the same order.
        seed: of the resampling.
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


def _precision_sum(counts: Counts, amount: NDArray[np.int64], cutoff: int | None) -> Values:
    """Expected sum (q,) over relevant ranks i <= R of (amount on ranks 1..i) / i.

    `amount` is (q, levels). At place t of a level the item is relevant with chance r/n and then
    expects S/r of its own, (S - S/r)/(n - 1) from each of the t - 1 items before it in the level,
    and everything before the level. Summed over the places inside R, with 1/(N+1) + ... + 1/(N+T) =
    H(N+T) - H(N), that is a closed form.
    """
    total, relevant = _total(counts), _relevant(counts)
    seen = _before(total)
    places = np.clip(_limit(cutoff, total) - seen, 0, total)  # T
    harmonic = _harmonic(total)
    reciprocals = harmonic[seen + places] - harmonic[seen]
    mean = amount / np.maximum(total, 1)  # S/n
    share = relevant / np.maximum(total, 1)  # r/n
    pairs = np.maximum(relevant - 1, 0) / np.maximum(total - 1, 1)  # (r - 1)/(n - 1)
    within = mean * (reciprocals + pairs * (places - (seen + 1) * reciprocals))
    sums: Values = (within + share * _before(amount) * reciprocals).sum(axis=1)
    return sums


def _sum_at(counts: Counts, amount: NDArray[np.int64], ranks: ArrayLike) -> Values:
    """Expected sum (q, m) of `amount` (q, levels) over the first N ranks, linear inside a level."""
    total = _total(counts)
    last = total.cumsum(axis=1)
    rank = np.minimum(np.asarray(ranks)[None, :], last[:, -1:])
    # One sorted search for all queries: each row is lifted above the one before.
    lift = np.arange(len(total))[:, None] * last.max()
    level = np.searchsorted((last + lift).ravel(), rank + lift)  # index into flat (q, levels)
    inside = rank - _before(total).ravel()[level]
    mean = amount.ravel()[level] / total.ravel()[level]
    return np.asarray(_before(amount).ravel()[level] + inside * mean)


def _discounted(total: NDArray[np.int64], gain: Values, rank: int) -> Values:
    """Expected DCG@rank (q,) of levels with `total` items and summed `gain`, both (q, levels)."""
    discounts = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, rank + 2)))])
    last = total.cumsum(axis=1)
    weight = discounts[np.minimum(last, rank)] - discounts[np.minimum(last - total, rank)]
    sums: Values = (gain / np.maximum(total, 1) * weight).sum(axis=1)
    return sums


def _total(counts: Counts) -> NDArray[np.int64]:
    """Items (q, levels). einsum sums so short an axis several times faster than sum does."""
    return np.asarray(np.einsum("qlg->ql", counts))


def _relevant(counts: Counts) -> NDArray[np.int64]:
    """Relevant items (q, levels)."""
    return np.asarray(np.einsum("qlg->ql", counts[:, :, 1:]))


def _shared(counts: Counts) -> NDArray[np.int64]:
    """Shared labels (q, levels), summed over the items."""
    return np.asarray(counts @ np.arange(counts.shape[2]))


def _before(amount: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums (q, levels) over the levels strictly before each one."""
    return amount.cumsum(axis=1) - amount


def _limit(cutoff: int | None, total: NDArray[np.int64]) -> int:
    """R, or the longest ranking when all ranks count."""
    if cutoff is not None and cutoff < 1:
        raise ValueError(f"cutoff must be at least 1 or None for all ranks, got {cutoff}")
    return int(total.sum(axis=1).max()) if cutoff is None else cutoff


def _denominator(counts: Counts, cutoff: int | None) -> NDArray[np.int64]:
    """min(R_q, R) (q,), and 1 where nothing is relevant, so that such a query scores 0."""
    relevant = relevant_items(counts)
    return np.maximum(relevant if cutoff is None else np.minimum(relevant, cutoff), 1)


def _harmonic(total: NDArray[np.int64]) -> Values:
    """H(0), H(1), ... up to the longest ranking."""
    longest = int(total.sum(axis=1).max())
    return np.concatenate([[0], np.cumsum(1 / np.arange(1, longest + 1))])
