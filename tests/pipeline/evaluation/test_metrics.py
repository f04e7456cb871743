import math
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation import metrics
from pipeline.evaluation.legacy_precision import legacy_average_precision
from tests.pipeline.evaluation.tie_orders import (
    CASES,
    CUTOFFS,
    all_orders,
    expectation,
    histogram,
    plain_ap,
)

ranking_levels = st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=5).filter(
    lambda levels: 1 <= sum(map(len, levels)) <= 7
)


def plain_wap(shared, cutoff=None):
    relevant = sum(g > 0 for g in shared)
    score = sum(sum(shared[:i]) / i for i, g in enumerate(shared[:cutoff], 1) if g > 0)
    return score / max(min(relevant, cutoff or relevant), 1)


def plain_ndcg(shared, rank):
    def dcg(gains):
        return sum((2**g - 1) / math.log2(1 + i) for i, g in enumerate(gains[:rank], 1))

    ideal = dcg(sorted(shared, reverse=True))
    return dcg(shared) / ideal if ideal else 0.0


def plain_acg(shared, rank):
    return sum(shared[:rank]) / rank


def test_average_precision_of_a_tie_of_three_by_hand():
    """Distances 1 1 1 2, relevant + - - +.

    The first hit is at rank 1, 2 or 3 with equal chance: (1 + 1/2 + 1/3)/3 = 11/18 on average. The
    second is at rank 4: 2/4. AP = (11/18 + 1/2)/2 = 5/9; best (1 + 1/2)/2, worst (1/3 + 1/2)/2.
    """
    counts = histogram([[], [1, 0, 0], [1]])

    worst, best = metrics.average_precision_bounds(counts)

    assert metrics.average_precision(counts)[0] == pytest.approx(5 / 9)
    assert (worst[0], best[0]) == pytest.approx((5 / 12, 3 / 4))


@pytest.mark.parametrize("cutoff", CUTOFFS)
@pytest.mark.parametrize("levels", CASES)
def test_average_precision_is_the_mean_over_all_tie_orders(levels, cutoff):
    scores = [plain_ap(order, cutoff) for order in all_orders(levels)]

    counts = histogram(levels)
    worst, best = metrics.average_precision_bounds(counts, cutoff)

    assert metrics.average_precision(counts, cutoff)[0] == pytest.approx(np.mean(scores))
    assert (worst[0], best[0]) == pytest.approx((min(scores), max(scores)))


@settings(deadline=None, max_examples=60)
@given(ranking_levels, st.sampled_from(CUTOFFS))
def test_expected_values_hold_for_any_small_ranking(levels, cutoff):
    counts = histogram(levels)

    ap = metrics.average_precision(counts, cutoff)[0]
    wap = metrics.weighted_average_precision(counts, cutoff)[0]

    assert ap == pytest.approx(expectation(levels, lambda order: plain_ap(order, cutoff)))
    assert wap == pytest.approx(expectation(levels, lambda order: plain_wap(order, cutoff)))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 1, 10, 300]))
def test_average_precision_lies_between_its_bounds_in_the_unit_interval(seed, cutoff):
    counts = np.random.default_rng(seed).integers(0, 20, (3, 9, 2))

    worst, best = metrics.average_precision_bounds(counts, cutoff)
    expected = metrics.average_precision(counts, cutoff)

    slack = 1e-12
    assert (worst >= -slack).all()
    assert (worst <= expected + slack).all()
    assert (expected <= best + slack).all()
    assert (best <= 1 + slack).all()


def test_average_precision_of_a_large_ranking_matches_a_loop_over_ranks():
    """Every level one item: no ties, so the closed form must be the plain sum, to rounding."""
    shared = np.random.default_rng(0).integers(0, 2, 5000)
    counts = np.eye(2, dtype=int)[shared][None]

    for cutoff in (None, 700):
        expected = plain_ap(shared.tolist(), cutoff)
        assert metrics.average_precision(counts, cutoff)[0] == pytest.approx(expected, rel=1e-11)


def test_random_codes_score_the_share_of_relevant_items():
    """All 59,000 items in one tie, a tenth relevant: AP is a tenth, plus order ln(n)/n."""
    counts = np.array([[[53_100, 5_900]]])

    assert metrics.average_precision(counts)[0] == pytest.approx(0.1, abs=2e-4)


@settings(deadline=None, max_examples=40)
@given(ranking_levels, st.sampled_from(CUTOFFS), st.integers(1, 5))
def test_irrelevant_items_behind_all_others_change_no_average_precision(levels, cutoff, extra):
    counts, longer = histogram([*levels, []]), histogram([*levels, [0] * extra])

    for measure in (metrics.average_precision, metrics.weighted_average_precision):
        assert measure(longer, cutoff)[0] == pytest.approx(measure(counts, cutoff)[0])


def test_a_query_without_relevant_items_scores_zero_everywhere():
    counts = histogram([[0, 0], [0]])
    rng = np.random.default_rng(0)

    assert metrics.relevant_items(counts).tolist() == [0]
    for scores in (
        metrics.average_precision(counts),
        *metrics.average_precision_bounds(counts),
        metrics.weighted_average_precision(counts),
        metrics.recall_at(counts, [1, 3]),
        metrics.ndcg_at(counts, 3),
        legacy_average_precision(counts, 2, rng),
    ):
        assert not scores.any()


def test_queries_are_measured_independently():
    counts = np.concatenate([histogram(levels[:2]) for levels in CASES if len(levels) >= 2])

    together = metrics.average_precision(counts, 3), metrics.ndcg_at(counts, 3)

    for i, row in enumerate(counts):
        assert together[0][i] == metrics.average_precision(row[None], 3)[0]
        assert together[1][i] == metrics.ndcg_at(row[None], 3)[0]


def test_a_cutoff_below_one_is_refused():
    with pytest.raises(ValueError, match="cutoff must be at least 1 or None for all ranks, got 0"):
        metrics.average_precision(histogram(CASES[0]), 0)


@pytest.mark.parametrize("levels", CASES)
def test_precision_and_recall_are_means_over_all_tie_orders(levels):
    n = sum(map(len, levels))
    ranks = np.arange(1, n + 1)

    precision = metrics.precision_at(histogram(levels), ranks)[0]
    recall = metrics.recall_at(histogram(levels), ranks)[0]

    for rank in ranks:
        hits = expectation(levels, lambda order, rank=rank: sum(g > 0 for g in order[:rank]))
        relevant = sum(g > 0 for g in chain(*levels))
        assert precision[rank - 1] == pytest.approx(hits / rank)
        assert recall[rank - 1] == pytest.approx(hits / max(relevant, 1))


@pytest.mark.parametrize("levels", CASES)
def test_r_precision_is_the_mean_over_all_tie_orders(levels):
    def plain(shared):
        n_relevant = sum(g > 0 for g in shared)
        return sum(g > 0 for g in shared[:n_relevant]) / max(n_relevant, 1)

    expected = np.mean([plain(order) for order in all_orders(levels)])
    assert metrics.r_precision(histogram(levels))[0] == pytest.approx(expected)


def test_ranks_past_the_end_of_the_database_are_misses():
    counts = histogram([[1, 1], [0]])

    assert metrics.precision_at(counts, [3, 6])[0] == pytest.approx([2 / 3, 1 / 3])
    assert metrics.recall_at(counts, [6])[0] == pytest.approx([1])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_recall_never_falls_with_the_rank(seed):
    counts = np.random.default_rng(seed).integers(0, 9, (4, 7, 3))

    recall = metrics.recall_at(counts, np.arange(1, 60))

    assert (np.diff(recall) >= -1e-12).all()
    assert ((recall >= 0) & (recall <= 1 + 1e-12)).all()


def test_balls_by_hand():
    """Query 1: 0, 2, 1 items at distance 0, 1, 2, of which 0, 1, 0 relevant. Query 2: all at 3."""
    near, far = [[], [1, 0], [0], []], [[], [], [], [1, 0]]
    counts = np.concatenate([histogram(near), histogram(far)])

    retrieved, hits, *_ = metrics.balls(counts)

    assert retrieved.tolist() == [[0, 2, 3, 3], [0, 0, 0, 2]]
    assert hits.tolist() == [[0, 1, 1, 1], [0, 0, 0, 1]]
    assert metrics.ball_precision(counts, 2).tolist() == [1 / 3, 0]
    assert metrics.ball_is_empty(counts, 2).tolist() == [False, True]
    assert metrics.lookup_succeeds(counts, 2).tolist() == [True, False]


def test_a_ball_wider_than_the_code_holds_everything():
    counts = histogram([[1], [0]])

    assert metrics.ball_precision(counts, 2).tolist() == [0.5]
    assert metrics.lookup_succeeds(counts, 2).tolist() == [True]


def test_a_lookup_that_finds_only_irrelevant_items_fails():
    counts = histogram([[0, 0], [1]])

    assert metrics.lookup_succeeds(counts, 0).tolist() == [False]
    assert metrics.lookup_succeeds(counts, 1).tolist() == [True]
    assert metrics.ball_is_empty(counts, 0).tolist() == [False]


def test_graded_measures_of_a_ranking_without_ties_by_hand():
    """Shared labels 2, 0, 1 at ranks 1, 2, 3.

    ACG@3 = 3/3. DCG = 3/log2(2) + 0 + 1/log2(4) = 3.5, ideal 3 + 1/log2(3). WAP: ACG at the two
    relevant ranks is 2/1 and 3/3, so 3/2.
    """
    counts = histogram([[2], [0], [1]])

    assert metrics.acg_at(counts, 3)[0] == pytest.approx(1)
    assert metrics.ndcg_at(counts, 3)[0] == pytest.approx(3.5 / (3 + 1 / math.log2(3)))
    assert metrics.weighted_average_precision(counts)[0] == pytest.approx(1.5)


@pytest.mark.parametrize("rank", [1, 2, 4, 6, 10])
@pytest.mark.parametrize("levels", CASES)
def test_graded_measures_are_means_over_all_tie_orders(levels, rank):
    counts = histogram(levels)

    ndcg, acg = metrics.ndcg_at(counts, rank)[0], metrics.acg_at(counts, rank)[0]

    assert ndcg == pytest.approx(expectation(levels, lambda order: plain_ndcg(order, rank)))
    assert acg == pytest.approx(expectation(levels, lambda order: plain_acg(order, rank)))


def test_weighted_average_precision_of_single_labels_is_average_precision():
    counts = np.random.default_rng(1).integers(0, 9, (5, 8, 2))

    for cutoff in (None, 7):
        weighted = metrics.weighted_average_precision(counts, cutoff)
        assert np.array_equal(weighted, metrics.average_precision(counts, cutoff))


def test_the_ideal_order_has_an_ndcg_of_one():
    assert metrics.ndcg_at(histogram([[3], [2, 2], [1], [0, 0]]), 4)[0] == pytest.approx(1)


def test_the_bootstrap_agrees_with_the_normal_interval():
    """For 1,000 values the mean is close to normal: half the width is 1.96 sd/sqrt(1000)."""
    values = np.random.default_rng(0).random(1000)

    interval = metrics.bootstrap_interval(values, seed=1)

    half = 1.96 * values.std() / math.sqrt(1000)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)
    assert interval == metrics.bootstrap_interval(values, seed=1)
    assert interval != metrics.bootstrap_interval(values, seed=2)


def test_a_paired_comparison_sees_what_two_intervals_hide():
    """A constant gain of 0.01 is certain, although single means vary by more than that."""
    values = np.random.default_rng(0).random(300)

    difference = metrics.paired_bootstrap(values + 0.01, values)

    assert difference == pytest.approx((0.01, 0.01, 0.01))
    interval = metrics.bootstrap_interval(values)
    assert interval.high - interval.low > 0.01


def test_a_paired_comparison_needs_the_same_queries():
    with pytest.raises(ValueError, match="same queries, got 2 and 3"):
        metrics.paired_bootstrap([0.1, 0.2], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("values", [[], [[0.1, 0.2]]])
def test_the_bootstrap_needs_one_value_a_query(values):
    with pytest.raises(ValueError, match="one value per query"):
        metrics.bootstrap_interval(values)
