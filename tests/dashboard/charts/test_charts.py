"""Charts as data: encodings, ranges, palettes."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from dashboard.charts.ablation import ablation
from dashboard.charts.alignment import alignment
from dashboard.charts.counts import group_bars
from dashboard.charts.distance_histogram import distance_histogram
from dashboard.charts.judged import judged_runs
from dashboard.charts.map_by_bits import map_by_bits
from dashboard.charts.palette import COLOURS, styles
from dashboard.charts.precision_recall import precision_recall
from dashboard.services import chart_files


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ["UD2H", "ITQ", "UD2H"],
            "method": ["ud2h", "itq", "ud2h"],
            "bits": [32, 32, 64],
            "map": [0.4, 0.35, 0.45],
            "half": [0.03, 0.02, 0.03],
        }
    )


@pytest.fixture
def cosine() -> pd.DataFrame:
    return pd.DataFrame({"backbone": ["lite0"], "map": [0.39]})


def test_the_chosen_bar_stands_out_and_each_has_its_number():
    bars, numbers = group_bars([15, 1500], 1).to_dict()["layer"]

    assert bars["encoding"]["color"]["condition"]["test"] == "(datum.bits === 1)"
    assert numbers["mark"]["type"] == "text"
    assert numbers["encoding"]["text"]["field"] == "groups"


def test_a_method_keeps_its_colour_whoever_stands_beside_it():
    assert styles(["itq"])["itq"] == styles(["itq", "ud2h"])["itq"]


def test_methods_never_share_a_style():
    names = [f"method{number}" for number in range(12)]
    looks = [(look.colour, look.shape, tuple(look.dash)) for look in styles(names).values()]

    assert len(set(looks)) == len(names)
    assert len({look.colour for look in styles(names[:6]).values()}) == len(COLOURS)


def test_map_by_bits_shows_percent_with_interval_and_cosine(rows, cosine):
    chart = map_by_bits(rows, cosine, ["itq", "ud2h"]).to_dict()

    marks = [layer["mark"]["type"] for layer in chart["layer"]]
    assert marks == ["line", "rule", "point", "rule", "text"]
    points = chart["layer"][2]["encoding"]
    assert points["y"]["title"] == "mAP (%)"
    assert points["shape"]["scale"]["domain"] == ["UD2H", "ITQ"]
    values = [value for part in chart["datasets"].values() for value in part]
    assert {"place": 39.0, "words": "cosine 39.0"} in values
    first = next(value for value in values if value.get("model") == "UD2H")
    assert (first["low"], first["percent"], first["high"]) == pytest.approx((37, 40, 43))


def test_map_by_bits_works_without_cosine(rows, cosine):
    assert len(map_by_bits(rows, cosine.iloc[:0], []).to_dict()["layer"]) == 3


def test_precision_recall_is_drawn_in_rank_order_on_fixed_axes():
    curves = pd.DataFrame(
        {
            "model": ["ITQ"] * 2,
            "method": ["itq"] * 2,
            "rank": [1, 2],
            "recall": [0.1, 0.2],
            "precision": [1.0, 0.9],
        }
    )

    encoding = precision_recall(curves, ["itq"]).to_dict()["encoding"]

    assert encoding["order"]["field"] == "rank"
    assert encoding["x"]["scale"]["domain"] == [0, 1]
    assert encoding["color"]["scale"]["range"] == [styles(["itq"])["itq"].colour]
    assert encoding["strokeDash"]["field"] == "model"


def test_the_histogram_marks_the_cut_behind_the_last_shown_distance():
    histogram = pd.DataFrame(
        {"distance": [1, 2], "relevance": ["relevant", "not relevant"], "images": [3, 4]}
    )

    with_cut = distance_histogram(histogram, 8, 1).to_dict()
    without = distance_histogram(histogram, 8, None).to_dict()

    assert len(with_cut["layer"]) == 3
    assert len(without["layer"]) == 1
    assert with_cut["layer"][0]["encoding"]["color"]["scale"]["domain"] == [
        "relevant",
        "not relevant",
    ]
    assert any(
        value.get("words") == "shown: up to 1" and value["distance"] == 1.5
        for part in with_cut["datasets"].values()
        for value in part
    )


def test_ablation_draws_points_around_zero_and_names_only_the_verdicts_that_occur():
    rows = pd.DataFrame(
        {
            "variant": ["a off", "b off"],
            "verdict": ["costs", "within noise"],
            "map": [0.3, 0.4],
            "difference": [-0.1, 0.002],
            "difference_low": [-0.12, -0.01],
            "difference_high": [-0.08, 0.014],
        }
    )

    chart = ablation(rows).to_dict()

    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["rule", "rule", "point"]
    point = chart["layer"][2]["encoding"]
    assert point["y"]["sort"] is None  # the order of the rows
    assert point["shape"]["scale"]["domain"] == ["costs", "within noise"]
    values = [value for part in chart["datasets"].values() for value in part]
    first = next(value for value in values if value.get("variant") == "a off")
    assert (first["low"], first["difference"], first["high"]) == pytest.approx((-12, -10, -8))


def test_judged_runs_have_a_point_with_its_interval_for_each_measure_and_room_for_names():
    shares = {"P@10 %": 60.0, "P@10 from": 50.0, "P@10 to": 70.0}
    table = pd.DataFrame(
        [
            {"Run": name, **shares, "NDCG@10 %": 65.0, "NDCG@10 from": 55.0, "NDCG@10 to": 75.0}
            for name in ("LSH · 32 bits", "ITQ · 32 bits")
        ]
    )

    chart = judged_runs(table)

    values = [value for part in chart.to_dict()["datasets"].values() for value in part]
    assert [(value["measure"], value["low"]) for value in values] == [
        *[("P@10", 50)] * 2,
        *[("NDCG@10", 55)] * 2,
    ]
    svg = chart_files.to_svg(chart_files.specification(chart)).decode()
    tops = {
        name: float(re.search(rf"translate\([^,]*,([0-9.]+)\)[^>]*>{name}", svg)[1])
        for name in table["Run"]
    }
    assert abs(tops["LSH · 32 bits"] - tops["ITQ · 32 bits"]) > 20  # pixels


def test_aligned_bits_are_drawn_in_the_order_of_the_table_with_two_lines():
    table = pd.DataFrame(
        {
            "bit": [3, 1, 2],
            "counterpart": pd.array([1, 2, None], "Int64"),
            "correlation": [-0.9, 0.5, 0.0],
            "likeness": [0.9, 0.5, 0.0],
            "sense": ["inverted", "same", "same"],
        }
    )

    chart = alignment(table, 0.7, 0.1).to_dict()

    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["bar", "rule", "rule"]
    bars = chart["layer"][0]["encoding"]
    assert bars["x"]["sort"] is None
    assert bars["color"]["scale"]["domain"] == ["same", "inverted"]
    values = [value for part in chart["datasets"].values() for value in part]
    assert [value["bit"] for value in values if "bit" in value] == [3, 1]  # bit 2 is left over
    lines = [value["correlation"] for value in values if value.keys() == {"correlation"}]
    assert lines == [-0.7, 0.7, -0.1, 0.1]
