"""Expected sums over rankings with ties, which the metrics are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.evaluation.ranking import Counts

Values = NDArray[np.float64]


def precision_sum(counts: Counts, amount: NDArray[np.int64], cutoff: int | None) -> Values:
    """Expected sum (q,) over relevant ranks i <= R of (amount on ranks 1..i) / i.

    `amount` is (q, levels). At place t of a level the item is relevant with chance r/n and then
    expects S/r of its own, (S - S/r)/(n - 1) from each of the t - 1 items before it in the level,
    and everything before the level. Summed over the places inside R, with 1/(N+1) + ... + 1/(N+T) =
    H(N+T) - H(N), that is a closed form.
    """
    total, relevant = items_per_level(counts), relevant_per_level(counts)
    seen = sums_before(total)
    places = np.clip(rank_limit(cutoff, total) - seen, 0, total)  # T
    harmonic = harmonic_numbers(total)
    reciprocals = harmonic[seen + places] - harmonic[seen]
    mean = amount / np.maximum(total, 1)  # S/n
    share = relevant / np.maximum(total, 1)  # r/n
    pairs = np.maximum(relevant - 1, 0) / np.maximum(total - 1, 1)  # (r - 1)/(n - 1)
    within = mean * (reciprocals + pairs * (places - (seen + 1) * reciprocals))
    sums: Values = (within + share * sums_before(amount) * reciprocals).sum(axis=1)
    return sums


def sum_at(counts: Counts, amount: NDArray[np.int64], ranks: ArrayLike) -> Values:
    """Expected sum (q, m) of `amount` (q, levels) over the first N ranks, linear inside a level."""
    total = items_per_level(counts)
    last = total.cumsum(axis=1)
    rank = np.minimum(np.asarray(ranks)[None, :], last[:, -1:])
    # One sorted search for all queries: each row is lifted above the one before.
    lift = np.arange(len(total))[:, None] * last.max()
    level = np.searchsorted((last + lift).ravel(), rank + lift)  # index into flat (q, levels)
    inside = rank - sums_before(total).ravel()[level]
    mean = amount.ravel()[level] / total.ravel()[level]
    return np.asarray(sums_before(amount).ravel()[level] + inside * mean)


def discounted_sum(total: NDArray[np.int64], gain: Values, rank: int) -> Values:
    """Expected DCG@rank (q,) of levels with `total` items and summed `gain`, both (q, levels)."""
    discounts = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, rank + 2)))])
    last = total.cumsum(axis=1)
    weight = discounts[np.minimum(last, rank)] - discounts[np.minimum(last - total, rank)]
    sums: Values = (gain / np.maximum(total, 1) * weight).sum(axis=1)
    return sums


def items_per_level(counts: Counts) -> NDArray[np.int64]:
    """Items (q, levels). einsum sums so short an axis several times faster than sum does."""
    return np.asarray(np.einsum("qlg->ql", counts))


def relevant_per_level(counts: Counts) -> NDArray[np.int64]:
    """Relevant items (q, levels)."""
    return np.asarray(np.einsum("qlg->ql", counts[:, :, 1:]))


def shared_per_level(counts: Counts) -> NDArray[np.int64]:
    """Shared labels (q, levels), summed over the items."""
    return np.asarray(counts @ np.arange(counts.shape[2]))


def sums_before(amount: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums (q, levels) over the levels strictly before each one."""
    return amount.cumsum(axis=1) - amount


def rank_limit(cutoff: int | None, total: NDArray[np.int64]) -> int:
    """Limit R, or the longest ranking when all ranks count."""
    if cutoff is not None and cutoff < 1:
        raise ValueError(f"cutoff must be at least 1 or None for all ranks, got {cutoff}")
    return int(total.sum(axis=1).max()) if cutoff is None else cutoff


def denominators(counts: Counts, cutoff: int | None) -> NDArray[np.int64]:
    """Denominators min(R_q, R) (q,); 1 where nothing is relevant, so that such a query scores 0."""
    relevant: NDArray[np.int64] = relevant_per_level(counts).sum(axis=1)
    return np.maximum(relevant if cutoff is None else np.minimum(relevant, cutoff), 1)


def harmonic_numbers(total: NDArray[np.int64]) -> Values:
    """Harmonic numbers H(0), H(1), ... up to the longest ranking."""
    longest = int(total.sum(axis=1).max())
    return np.concatenate([[0], np.cumsum(1 / np.arange(1, longest + 1))])
