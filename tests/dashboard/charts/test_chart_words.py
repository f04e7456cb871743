"""Words and numbers of charts: short, whole, and never on top of each other."""

from __future__ import annotations

import itertools
import re

import pandas as pd
import pytest

from dashboard.charts.map_by_bits import map_by_bits, spread
from dashboard.charts.tradeoff import apart, tradeoff
from dashboard.services import chart_files

NO_BASELINES = pd.DataFrame({"name": [], "map": []})


def points(costs: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": "DFADH (reconstruction), epochs=3",
            "method": "dfadh",
            "bits": [int(16 * 2**place) for place in range(len(costs))],
            "run": [f"r{place}" for place in range(len(costs))],
            "map": [0.5 + place / 10 for place in range(len(costs))],
            "cost": costs,
            "is_front": True,
        }
    )


@pytest.mark.parametrize("is_log", [True, False])
@pytest.mark.parametrize("costs", [[32.0], [16.0, 32.0, 64.0], [0.0110156892022], [0.3, 0.31]])
def test_ticks_are_never_longer_than_they_need_to_be(costs: list[float], is_log: bool):
    chart = tradeoff(points(costs), ["dfadh"], NO_BASELINES, title="Cost", is_log=is_log)

    svg = chart_files.to_svg(chart_files.specification(chart)).decode()

    words = re.findall("<text[^>]*>([^<]*)</text>", svg)
    assert all(len(word) < 8 for word in words if word.startswith(tuple("0123456789")))
    assert f"DFADH {16 * 2 ** (len(costs) - 1)}" in words  # the best one always has its name
    assert not [word for word in words if "…" in word]


def test_points_that_are_close_carry_one_name_that_of_the_best():
    names = apart(pd.Series([1.0, 1.01, 5.0]), pd.Series([50.0, 51.0, 60.0]), is_log=False)

    assert names == [False, True, True]


def test_points_that_are_apart_among_themselves_are_close_on_a_longer_axis():
    few, percents = pd.Series([16.0, 64.0]), pd.Series([50.0, 51.0])

    assert apart(few, percents, is_log=True) == [True, True]
    assert apart(few, percents, is_log=True, along=pd.Series([16.0, 64.0, 4e6])) == [False, True]


@pytest.mark.parametrize(
    "values", [[50.0], [50.0, 50.1], [10.0, 50.0, 50.0, 50.2], [3.0, 1.0, 2.0]]
)
def test_words_beside_rules_keep_their_distance_and_their_order(values: list[float]):
    moved = spread(values, 2.0)

    by_value = [place for _, place in sorted(zip(values, moved, strict=True))]
    assert all(second - first >= 2 - 1e-9 for first, second in itertools.pairwise(by_value))
    assert sum(moved) == pytest.approx(sum(values))


def test_cosine_and_colours_that_are_equal_are_both_readable():
    rows = pd.DataFrame(
        {"model": ["ITQ"], "method": ["itq"], "bits": [32], "map": [0.5], "half": [0.02]}
    )
    cosine = pd.DataFrame({"backbone": ["tiny"], "map": [0.45]})
    colours = pd.DataFrame({"name": ["colours alone"], "map": [0.45], "bits": [None]})

    chart = map_by_bits(rows, cosine, ["itq"], colours).to_dict()

    (words,) = (rows for rows in chart["datasets"].values() if "place" in rows[0])
    assert len({row["place"] for row in words}) == len(words) == 2
