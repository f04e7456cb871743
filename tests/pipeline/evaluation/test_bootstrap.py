"""Gaps between runs: against loops, by hand, and what must never be called significant."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.bootstrap import band, gaps, interval, resampled_counts
from pipeline.evaluation.report import Report
from tests.factories import report


def measured(ap: list[float] | np.ndarray, slack: float = 0.0) -> tuple[Report, np.ndarray]:
    values = np.asarray(ap, float)
    mean = float(values.mean())
    return report(map=mean, map_worst=mean - slack, map_best=mean + slack), values


def test_counts_are_those_of_draws_with_replacement():
    counts = resampled_counts(7, resamples=50)

    assert (counts.sum(axis=1) == 7).all()
    assert counts.max() > 1
    assert np.array_equal(counts, resampled_counts(7, resamples=50))


def test_a_gap_equals_the_same_written_with_loops(rng):
    first, second = rng.random(20), rng.random(20)
    counts = resampled_counts(20, resamples=300)

    (gap,) = gaps(measured(first), [measured(second)], resamples=300)

    means = sorted(
        sum(counts[b, q] * (first[q] - second[q]) for q in range(20)) / 20 for b in range(300)
    )
    assert gap.difference == pytest.approx(first.mean() - second.mean())
    assert gap.low == pytest.approx(np.quantile(means, 0.025), abs=1e-12)
    assert gap.high == pytest.approx(np.quantile(means, 0.975), abs=1e-12)


def test_a_constant_lead_is_no_chance_however_small(rng):
    """The same on every query: no draw of queries can turn it round."""
    ap = rng.random(50)

    (gap,) = gaps(measured(ap + 0.001), [measured(ap)])

    assert gap.low == pytest.approx(0.001)
    assert not gap.low <= 0 <= gap.high


def test_equal_runs_are_chance():
    (gap,) = gaps(measured([0.1, 0.9]), [measured([0.1, 0.9])])

    assert gap.difference == 0
    assert gap.low <= 0 <= gap.high


def test_many_rivals_widen_every_interval(rng):
    first, second = measured(rng.random(100)), measured(rng.random(100))

    (alone,) = gaps(first, [second])
    among = gaps(first, [second] * 20)[0]

    assert among.low < alone.low < alone.high < among.high


def test_a_gap_smaller_than_the_ties_says_so():
    """Ties may move each by 0.02: between -0.03 and 0.05 anything is possible."""
    (gap,) = gaps(measured([0.51, 0.51], 0.02), [measured([0.5, 0.5], 0.02)])

    assert (gap.tie_low, gap.tie_high) == pytest.approx((-0.03, 0.05))
    assert gap.is_within_ties
    assert not gap.low <= 0 <= gap.high


def test_other_queries_are_refused():
    with pytest.raises(ValueError, match="same queries, got 2 and 3"):
        gaps(measured([0.1, 0.2]), [measured([0.1, 0.2, 0.3])])
    with pytest.raises(ValueError, match="at least one query"):
        resampled_counts(0)


def test_nothing_to_compare_gives_nothing():
    assert gaps(measured([0.1]), []) == []


def test_a_band_is_the_interval_of_each_column(rng):
    values, counts = rng.random((9, 3)), resampled_counts(9, resamples=200)

    low, high = band(values, counts)

    for column in range(3):
        one_low, one_high = interval((counts @ values[:, column] / 9)[:, None])
        assert low[column] == pytest.approx(one_low[0])
        assert high[column] == pytest.approx(one_high[0])
    assert (low < values.mean(axis=0)).all()
