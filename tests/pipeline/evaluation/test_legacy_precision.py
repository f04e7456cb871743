"""Average precision as hashing papers print it."""

import numpy as np
import pytest

from pipeline.evaluation import metrics
from pipeline.evaluation.legacy_precision import legacy_average_precision
from tests.pipeline.evaluation.tie_orders import (
    CASES,
    all_orders,
    histogram,
    plain_ap,
)


def plain_legacy(shared, cutoff):
    top = shared[:cutoff]
    return plain_ap(top) if any(top) else 0.0


def test_legacy_rewards_finding_less():
    """[+ - +] scores (1/1 + 2/3)/2 = 5/6, [+ - -] scores 1: one hit fewer, a better value."""
    more, fewer = [[1], [0], [1], [1]], [[1], [0], [0], [1, 1]]
    rng = np.random.default_rng(0)

    assert legacy_average_precision(histogram(more), 3, rng)[0] == pytest.approx(5 / 6)
    assert legacy_average_precision(histogram(fewer), 3, rng)[0] == pytest.approx(1)
    assert metrics.average_precision(histogram(more), 3)[0] == pytest.approx(5 / 9)
    assert metrics.average_precision(histogram(fewer), 3)[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("cutoff", [1, 3, 5])
@pytest.mark.parametrize("levels", CASES)
def test_legacy_draws_every_tie_order_as_often_as_any_other(levels, cutoff):
    """4,000 draws: the mean of values in [0, 1] is within 5 * 0.5/sqrt(4000) = 0.04 of its own."""
    scores = legacy_average_precision(
        histogram(levels), cutoff, np.random.default_rng(0), orders=4000
    )[0]

    possible = [plain_legacy(order, cutoff) for order in all_orders(levels)]
    assert set(np.round(scores, 9)) == set(np.round(possible, 9))
    assert scores.mean() == pytest.approx(np.mean(possible), abs=0.04)


def test_legacy_over_all_ranks_averages_to_the_tie_aware_value():
    counts = np.random.default_rng(2).integers(0, 9, (200, 6, 2))

    legacy = legacy_average_precision(counts, None, np.random.default_rng(0), orders=50)

    assert legacy.mean() == pytest.approx(metrics.average_precision(counts).mean(), abs=0.002)
