"""Curves, trade-offs and failures as the pages get them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboard.charts.curves import Axes, curves, small_multiples
from dashboard.charts.heat_table import heat_table
from dashboard.charts.palette import NEUTRAL
from dashboard.charts.tradeoff import tradeoff
from pipeline.analysis.comparisons import Comparison, comparisons
from pipeline.analysis.curves import (
    KINDS,
    OVER_QUERIES,
    OVER_SEEDS,
    RunCurves,
    curve_table,
    finding,
    measure,
    queries_at,
)
from pipeline.analysis.failures import BY_AP, DROP, read_failures, worst
from pipeline.analysis.leaderboard import read_leaderboard
from pipeline.analysis.opened_run import OpenRun, open_measured
from pipeline.analysis.published_figures import published_table
from pipeline.analysis.tradeoffs import COSTS, front_finding, is_wide, on_front, with_front
from pipeline.datasets.dataset import load_dataset
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings


@pytest.fixture
def run(settings: Settings) -> OpenRun:
    found = next(one for one in RunRegistry(settings).all() if one.spec.method == "itq")
    return open_measured(found.id, load_dataset("shapes", settings), settings)


def test_curves_have_the_means_of_the_report(run: OpenRun, settings: Settings):
    stored = RunRegistry(settings).open(run.id).curves()
    row = RunCurves("ITQ", "itq", 12, (measure(run),))

    table = curve_table([row], KINDS["PR by rank"], OVER_QUERIES)

    assert table["y"].to_numpy() == pytest.approx(stored.precision)
    assert table["x"].to_numpy() == pytest.approx(stored.recall)
    assert (table["low"] <= table["y"]).all()
    assert (table["y"] <= table["high"]).all()
    radius = curve_table([row], KINDS["Precision within radius"], OVER_QUERIES)
    assert radius["y"].to_numpy() == pytest.approx(stored.ball_precision)
    assert len(table) <= 101


def test_one_seed_has_no_band_over_seeds_and_no_finding(run: OpenRun):
    row = RunCurves("ITQ", "itq", 12, (measure(run),))

    table = curve_table([row], KINDS["P@N"], OVER_SEEDS)

    assert (table["low"] == table["high"]).all()
    assert finding([row], KINDS["P@N"]) == ""
    assert finding([], KINDS["P@N"]) == ""


def test_equal_models_are_no_more_than_chance(run: OpenRun):
    rows = [RunCurves(name, "itq", 12, (measure(run),)) for name in ("A", "B")]

    for kind in KINDS.values():
        assert "no more than chance" in finding(rows, kind), kind.title


def test_the_queries_behind_a_point_are_worst_first(run: OpenRun):
    found = measure(run)

    table = queries_at(found, KINDS["P@N"], 10)

    assert table["value"].is_monotonic_increasing
    column = found.ranks.tolist().index(10)
    assert table["value"].mean() == pytest.approx(found.precision_at[:, column].mean())


def test_the_worst_queries_and_the_drop_against_another_run(run: OpenRun):
    found = read_failures(run)
    better = read_failures(run)
    better.facts["ap"] = better.facts["ap"] + np.arange(len(better.facts)) / 100

    by_ap = worst(found, BY_AP)
    by_drop = worst(found, DROP, better)

    assert by_ap["ap"].is_monotonic_increasing
    assert by_drop["place"].iloc[0] == len(found.facts) - 1
    assert by_drop["drop"].iloc[0] == pytest.approx((len(found.facts) - 1) / 100)


def test_the_front_keeps_what_nothing_beats():
    assert on_front(pd.Series([1, 2, 2, 3]), pd.Series([0.3, 0.5, 0.4, 0.5])) == [
        True,
        True,
        False,
        False,
    ]


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ["A", "A", "B"],
            "method": ["itq", "itq", "lsh"],
            "bits": [16, 64, 32],
            "run": ["r1", "r2", "r3"],
            "map": [0.48, 0.5, 0.3],
            "training_s": [1.0, 2.0, np.nan],
        }
    )


def test_the_finding_of_a_trade_off_names_the_knee_and_unknown_costs_are_left_out():
    bits = COSTS["Code length (bits)"]

    sentence = front_finding(with_front(rows(), bits), bits)

    assert sentence.startswith("A at 16 bits reaches 96 % of the best mAP")
    assert sentence.endswith("for 16 instead of 64 bits.")
    assert len(with_front(rows(), COSTS["Training (seconds)"])) == 2


def alternatives() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": ["float32", "pq-4", "opq-4"],
            "title": ["float32", "PCA + PQ", "PCA + OPQ"],
            "backbone": "lite0",
            "bytes": [5120, 4, 4],
            "map": [0.52, 0.51, 0.2],
            "training_s": [0.0, 3.0, np.nan],
        }
    )


def test_alternatives_are_points_of_the_trade_off_and_may_be_its_front():
    cost = COSTS["Code length (bits)"]

    table = with_front(rows(), cost, alternatives())

    assert table["model"].tolist() == ["A", "A", "B", "float32", "PCA + PQ", "PCA + OPQ"]
    assert table["cost"].tolist() == [16, 64, 32, 40_960, 32, 32]
    assert table["is_front"].tolist() == [True, False, False, True, True, False]
    assert table["run"].tolist() == ["r1", "r2", "r3", "", "", ""]
    assert front_finding(table[table["run"] == ""], cost) == (
        "PCA + PQ at 32 bits reaches 98 % of the best mAP (float32 at 40,960 bits, 52.0 %) for 32 "
        "instead of 40,960 bits."
    )
    assert is_wide(table["cost"])
    assert not is_wide(with_front(rows(), cost)["cost"])
    trained = with_front(rows(), COSTS["Training (seconds)"], alternatives())
    assert trained["model"].tolist() == ["A", "A", "float32", "PCA + PQ"]
    assert is_wide(trained["cost"]) is False  # nothing is 0 on an axis of powers


def test_alternatives_of_several_backbones_name_theirs():
    two = pd.concat([alternatives(), alternatives().assign(backbone="tiny")])

    table = with_front(rows(), COSTS["Code length (bits)"], two)

    assert table["model"].tolist()[3:5] == ["float32 · lite0", "PCA + PQ · lite0"]
    assert table["model"].iloc[-1] == "PCA + OPQ · tiny"


def test_alternatives_share_one_grey_mark_in_the_chart():
    table = with_front(rows(), COSTS["Code length (bits)"], alternatives())

    chart = tradeoff(
        table, ["itq", "lsh"], pd.DataFrame({"name": [], "map": []}), title="x", is_log=True
    ).to_dict()

    colour = next(
        layer["encoding"]["color"] for layer in chart["layer"] if "color" in layer["encoding"]
    )
    assert colour["scale"]["domain"] == ["A", "B", "alternative"]
    assert colour["scale"]["range"][-1] == NEUTRAL


def test_every_chart_can_be_built_and_never_says_it_by_colour_alone():
    table = with_front(rows(), COSTS["Code length (bits)"])
    baselines = pd.DataFrame({"name": ["random order"], "map": [0.1]})

    chart = tradeoff(
        table, ["itq", "lsh"], baselines, title="x", is_log=False, budget=40.0
    ).to_dict()
    assert any("shape" in layer["encoding"] for layer in chart["layer"])
    heat = heat_table(rows()).to_dict()
    assert {layer["mark"]["type"] for layer in heat["layer"]} == {"rect", "text"}
    points = pd.DataFrame(
        {
            "model": ["A", "A"],
            "method": ["itq"] * 2,
            "bits": [16, 32],
            "at": [1, 1],
            "x": [0.1, 0.2],
            "y": [0.5, 0.6],
            "low": [0.4, 0.5],
            "high": [0.6, 0.7],
            "is_point": [True, True],
        }
    )
    axes = Axes("Recall", "Precision", is_share=True)
    drawn = curves(points, ["itq"], axes).to_dict()
    assert [layer["mark"]["type"] for layer in drawn["layer"]] == ["area", "line", "point"]
    assert "strokeDash" in drawn["layer"][1]["encoding"]
    assert small_multiples(points, ["itq"], axes).to_dict()["columns"] == 2


def test_published_figures_carry_protocol_and_source(settings: Settings):
    (comparison,) = comparisons(settings, "shapes")

    table = published_table(comparison, read_leaderboard(settings, comparison).rows)

    assert set(table["Method"]) <= {"ITQ", "LSH"}
    assert table["Source"].str.len().min() > 0
    assert (table["Comparable"] == "no: other images").all()
    assert set(table["Read in"]) == {"re-run"}


def test_published_figures_count_as_the_same_protocol_only_with_the_same_ranks():
    """DPSH and SDC were both measured under cifar10-59k, SDC by the first 1,000 ranks."""
    protocol = PROTOCOLS["cifar10-59k"]
    comparison = Comparison("cifar10", protocol, label_set="", split_seed=0)
    rows = pd.DataFrame({"method": ["dpsh", "sdc", "itq"], "bits": [48, 64, 64], "map": 0.5})

    table = published_table(comparison, rows).set_index("Method")["Comparable"]
    cut = replace(comparison, protocol=protocol.model_copy(update={"cutoff": 1000}))
    first_ranks = published_table(cut, rows).set_index("Method")["Comparable"]

    same, ranks = "same protocol, other backbone", "no: other ranks"
    assert dict(table) == {"DPSH": same, "SDC": ranks, "ITQ": "no: other images"}
    assert dict(first_ranks) == {"DPSH": ranks, "SDC": same, "ITQ": "no: other images"}


def test_a_run_with_torn_codes_cannot_be_measured(own_home: Path):
    settings = Settings(home=own_home)
    run = RunRegistry(settings).all()[0]
    (run.folder / "codes" / "database.npz").write_bytes(b"torn")

    with pytest.raises(ValueError, match=r"database\.npz is"):
        open_measured(run.id, load_dataset("shapes", settings), settings)
