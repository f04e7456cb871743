"""The table of metrics: what reports, tables and documents rely on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.evaluation import metrics
from pipeline.evaluation.metric_table import (
    METRICS,
    REPORT_RANKS,
    Ranking,
    columns,
    measure,
    rank_grid,
)


@pytest.fixture
def ranking(rng: np.random.Generator) -> Ranking:
    """Three queries, 12 items at 5 distances."""
    counts = np.zeros((3, 5, 2), np.int64)
    for query in range(3):
        np.add.at(counts[query], (rng.integers(5, size=12), rng.integers(2, size=12)), 1)
    return Ranking(counts, cutoff=None, is_hamming=True)


def test_every_metric_gives_a_value_per_query_or_none(ranking: Ranking) -> None:
    for metric in METRICS.values():
        values = metric.function(ranking)
        assert values is None or (values.shape == (3,) and np.isfinite(values).all()), metric.name


def test_a_ranking_has_no_values_beyond_its_end(ranking: Ranking) -> None:
    measured = measure(ranking)

    assert {"precision_at_10", "recall_at_10"} <= measured.keys()
    assert not {"precision_at_50", "recall_at_1000"} & measured.keys()
    assert measured["precision_at_5"] == pytest.approx(
        metrics.precision_at(ranking.counts, [5])[:, 0]
    )
    assert measured["recall_at_5"] == pytest.approx(metrics.recall_at(ranking.counts, [5])[:, 0])


def test_features_have_no_values_within_a_radius(ranking: Ranking) -> None:
    features = Ranking(ranking.counts, None, is_hamming=False)

    lacking = measure(ranking).keys() - measure(features).keys()

    assert lacking == {"precision_radius_2", "empty_radius_2", "lookup_success"}


def test_neighbours_among_the_first_ten_are_averaged_over_ties() -> None:
    """At distance 0 lie 4 neighbours and 2 others, at distance 1 the 6 other neighbours and 6
    others: four of the first ten are drawn from those twelve, so 4 + 4 · 6/12 = 6 are expected.
    """
    kept = np.array([[[2, 4], [6, 6], [30, 0]]])
    counts = np.array([[[6, 0], [6, 6], [30, 0]]])

    ranking = Ranking(counts, cutoff=None, is_hamming=True, neighbour_counts=kept)

    assert measure(ranking)["neighbours_at_10"].tolist() == [pytest.approx(0.6)]
    unknown = Ranking(counts, cutoff=None, is_hamming=True)
    assert "neighbours_at_10" not in measure(unknown)


def test_titles_tell_metrics_apart_and_definitions_are_sentences() -> None:
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    assert all(metric.help.endswith(".") for metric in METRICS.values())
    assert columns("bench")[0] == columns("leaderboard")[0] == METRICS["map"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("map", 0.5126, "51.3"), ("acg_at_100", 1.23456, "1.235"), ("map", None, "")],
)
def test_values_are_shown_in_their_unit(name: str, value: float | None, text: str) -> None:
    assert METRICS[name].text(value) == text
    assert METRICS[name].text(math.nan) == ""


def test_the_grid_of_ranks_holds_those_of_the_table() -> None:
    assert {*REPORT_RANKS} <= {*rank_grid(60_000).tolist()}
    assert rank_grid(7).tolist()[-1] == 7
