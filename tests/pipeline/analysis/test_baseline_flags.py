"""A run whose mAP interval reaches a baseline is flagged, by one rule and with all its seeds."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.analysis.baseline_flags import BaselineFlag, no_better_than, reached_baselines
from pipeline.analysis.model_maps import lower_end
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.report import Report

BASELINES = pd.DataFrame({"name": ["random order", "colours alone"], "map": [0.12, 0.325]})


def report(value: float, half: float = 0.01) -> Report:
    return Report(
        protocol=PROTOCOLS["holdout"],
        n_query=10,
        n_database=20,
        bits=8,
        bytes_per_item=1,
        values={"map": value},
        ci_low=value - half,
        ci_high=value + half,
        map_legacy=None,
        map_legacy_spread=None,
        queries_without_relevant=0,
    )


@pytest.mark.parametrize(
    ("low", "names"),
    [
        (0.4, []),
        (0.326, []),
        (0.325, ["colours alone"]),
        (0.12, ["colours alone", "random order"]),
    ],
)
def test_an_interval_that_touches_a_baseline_reaches_it(low: float, names: list[str]):
    assert reached_baselines(low, BASELINES) == names


def test_the_flag_names_the_baselines_and_its_sentence_the_numbers():
    flag = BaselineFlag(0.326, 0.31, BASELINES)

    assert flag.badge == "no better than colours alone"
    assert flag.sentence == (
        "This run is no better than colours alone (32.5 %): mAP 32.6 %, interval from 31.0 %."
    )
    assert no_better_than([]) == ""


def test_a_better_run_has_no_badge_and_says_what_it_is_better_than():
    flag = BaselineFlag(0.58, 0.55, BASELINES)

    assert (flag.reached, flag.badge) == ([], "")
    assert "better than random order (12.0 %) and colours alone (32.5 %)" in flag.sentence
    assert BaselineFlag(0.58, 0.55, BASELINES.head(0)).sentence == ""


@pytest.mark.parametrize(
    ("values", "low"),
    [
        ([0.5], 0.49),
        ([0.5, 0.5], 0.49),  # the seeds agree: the queries decide
        ([0.4, 0.5], 0.45 - 0.1 / 2**0.5),  # they do not: the seeds decide
    ],
)
def test_several_seeds_count_with_their_mean_and_the_wider_interval(
    values: list[float], low: float
):
    assert lower_end([report(value) for value in values]) == pytest.approx(low)
