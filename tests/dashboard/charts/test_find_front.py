"""The front of what to find: one line per length, points in the order of the choices."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.charts.find_front import find_front


def front(**changes: object) -> pd.DataFrame:
    table = {
        "find": ["same kind", "both", "same thing", "same kind"],
        "bits": [32, 32, 32, 64],
        "map": [0.41, 0.42, 0.38, 0.43],
        "precision_at_10": [0.55, 0.56, 0.54, 0.57],
        "neighbours_at_10": [0.27, 0.30, 0.41, 0.33],
    }
    return pd.DataFrame(table | changes)


def test_points_are_percents_joined_in_the_order_of_the_choices() -> None:
    chart = find_front(front(), "precision_at_10").to_dict()

    line = chart["layer"][0]
    assert line["encoding"]["order"]["field"] == "place"
    (data,) = (rows for rows in chart["datasets"].values() if len(rows) == 4)
    assert [row["y"] for row in data] == pytest.approx([55, 56, 54, 57])
    assert [row["x"] for row in data] == pytest.approx([27, 30, 41, 33])
    assert [row["place"] for row in data] == [0, 1, 2, 3]


def test_lengths_are_told_apart_by_colour_and_shape_and_one_alone_has_no_legend() -> None:
    both = find_front(front(), "map").to_dict()["layer"][1]["encoding"]
    one = find_front(front().head(3), "map").to_dict()["layer"][1]["encoding"]

    assert both["color"]["scale"]["domain"] == both["shape"]["scale"]["domain"]
    assert both["color"]["legend"]["orient"] == "top"
    assert one["color"]["legend"] is None
