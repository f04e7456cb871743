"""Average precision as most hashing papers print it, kept to compare with their tables."""

from __future__ import annotations

import numpy as np

from pipeline.evaluation.ranking import Counts
from pipeline.evaluation.tied_sums import Values, items_per_level, rank_limit, relevant_per_level


def legacy_average_precision(
    counts: Counts, cutoff: int | None, rng: np.random.Generator, orders: int = 5
) -> Values:
    """AP@R (q, orders) as most hashing papers print it, a column for each random tie order.

    The denominator is the number of relevant items *inside* the top R, which favours retrieving
    few: [+ - +] scores 5/6 but [+ - -] scores 1. Orders are drawn for every query on its own, rank
    by rank: the next item of a level is relevant with the share of relevant items left in it. Takes
    R steps, so it is meant for a cutoff.
    """
    total, relevant = items_per_level(counts), relevant_per_level(counts)
    last, relevant_through = total.cumsum(axis=1), relevant.cumsum(axis=1)
    row = np.arange(len(counts))[:, None]
    hits = np.zeros((len(counts), orders))
    score = np.zeros_like(hits)
    level = np.zeros((len(counts), 1), np.int64)
    for before in range(min(rank_limit(cutoff, total), int(last.max()))):
        while np.any(is_used_up := (last[row, level] <= before) & (level < last.shape[1] - 1)):
            level += is_used_up
        chance = (relevant_through[row, level] - hits) / np.maximum(last[row, level] - before, 1)
        is_hit = rng.random(hits.shape) < chance
        hits += is_hit
        score += is_hit * hits / (before + 1)
    return score / np.maximum(hits, 1)
