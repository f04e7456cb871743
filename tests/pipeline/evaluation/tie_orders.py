"""Rankings with ties by hand: histograms, every order that ties allow, and means over them."""

from itertools import chain, permutations, product

import numpy as np

CUTOFFS = (None, 1, 2, 3, 5, 100)
CASES = (  # shared labels of the items, level by level
    [[1, 0, 0], [1]],
    [[0, 0], [], [1, 0, 1], [0, 1]],
    [[1, 1, 1]],
    [[0, 0, 0]],
    [[], [2, 0, 1, 3], [1, 0]],
    [[3], [0, 2, 2, 0, 1, 1]],
)


def histogram(levels, width=4):
    """Counts (1, levels, width) of one query."""
    return np.array([[np.bincount(np.array(level, int), minlength=width) for level in levels]])


def all_orders(levels):
    """Every ranking the ties allow, as lists of shared labels, equally likely."""
    return [list(chain(*order)) for order in product(*(permutations(level) for level in levels))]


def expectation(levels, measure):
    return np.mean([measure(order) for order in all_orders(levels)])


def plain_ap(shared, cutoff=None):
    """AP@R of one ranking, straight from the definition."""
    hits, score = 0, 0.0
    for rank, g in enumerate(shared[:cutoff], 1):
        hits += g > 0
        score += (g > 0) * hits / rank
    relevant = sum(g > 0 for g in shared)
    return score / max(min(relevant, cutoff or relevant), 1)
