"""The chart of quality per byte: kinds differ in shape, names never touch, intervals are drawn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from dashboard.charts.quality_per_byte import placed_labels, quality_per_byte

KINDS = ("without", "with", "other")


@pytest.fixture
def points() -> pd.DataFrame:
    sizes = [2, 4, 8, 4, 8, 160, 5120]
    return pd.DataFrame(
        {
            "series": ["UD2H"] * 3 + ["PQ"] * 2 + ["signs", "float32"],
            "title": [f"title {size}" for size in sizes],
            "label": ["UD2H"] * 3 + ["PQ"] * 2 + ["signs", "float32"],
            "kind": ["without"] * 3 + ["other"] * 4,
            "bytes": sizes,
            "value": [0.5, 0.6, 0.62, 0.55, 0.56, 0.5, 0.54],
            "half": [0.02] * 6 + [np.nan],
            "run": ["a", "b", "c", "", "", "", ""],
            "is_labelled": False,
            "is_front": [True, True, True, False, False, False, False],
        }
    )


def test_only_kinds_that_are_there_have_a_shape_and_a_colour_of_their_own(points):
    chart = quality_per_byte(points, KINDS, title="mAP").to_dict()

    marks = [layer for layer in chart["layer"] if layer.get("mark", {}).get("type") == "point"]
    encoding = marks[0]["encoding"]
    assert encoding["shape"]["scale"]["domain"] == ["without", "other"]
    for channel in ("shape", "color"):
        assert len({*encoding[channel]["scale"]["range"]}) == 2
    assert encoding["x"]["scale"]["type"] == "log"
    assert encoding["x"]["axis"]["values"][-1] == 5120


def test_the_dotted_line_is_the_centred_features_among_rows_of_their_size(points):
    raw = points.tail(1).assign(series="not centred", value=0.58)

    chart = quality_per_byte(pd.concat([raw, points]), KINDS, title="mAP").to_dict()

    [rule] = [one for one in chart["layer"] if one["mark"].get("strokeDash") == [1, 3]]
    [drawn] = chart["datasets"][rule["data"]["name"]]
    assert drawn["percent"] == pytest.approx(54)


def test_intervals_and_points_lie_within_the_axis(points):
    chart = quality_per_byte(points, KINDS, title="mAP").to_dict()

    [point] = [one for one in chart["layer"] if one.get("mark", {}).get("type") == "point"]
    low, high = point["encoding"]["y"]["scale"]["domain"]
    assert low < 48
    assert high > 64


@pytest.mark.parametrize("width", [290, 780])
def test_names_never_touch_and_the_front_comes_first(points, width):
    shown = points.assign(
        percent=100 * points["value"],
        low=100 * (points["value"] - points["half"]),
        high=100 * (points["value"] + points["half"]),
        words=points["label"] + " 50.0",
    )

    placed = placed_labels(shown, width)

    assert placed["is_front"].any()
    assert len(placed) >= 3
    x = np.log(placed["bytes"]) / np.log(5120 / 2) * (width - 80)
    for (_, one), (_, other) in combinations(placed.assign(x=x).iterrows(), 2):
        is_apart = abs(one["x"] - other["x"]) > 7 * len(one["words"])
        assert is_apart or one["percent"] != other["percent"] or one["side"] != other["side"]


def test_no_layer_is_empty_even_of_one_point_without_an_interval(points):
    chart = quality_per_byte(points.head(1).assign(half=np.nan), KINDS, title="mAP").to_dict()

    assert all(chart["datasets"].values())
    assert "rule" not in [layer["mark"]["type"] for layer in chart["layer"][1:]]
