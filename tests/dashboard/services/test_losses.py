"""Losses of several runs on one scale, and the terms of one."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dashboard.charts.curves import Axes, curves
from pipeline.analysis.comparisons import comparisons
from pipeline.analysis.leaderboard import read_leaderboard
from pipeline.analysis.training_losses import terms_by_length, training_table
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings


@pytest.fixture
def settings(own_home: Path) -> Settings:
    """A library whose ITQ run has a history of two terms: 4 + 2, 3 + 0, and a line without any."""
    settings = Settings(home=own_home)
    run = next(one for one in RunRegistry(settings).all() if one.spec.method == "itq")
    lines = [
        {"epoch": 1, "n_epochs": 3, "terms": {"a": 4.0, "b": 2.0}},
        {"epoch": 2, "n_epochs": 3, "terms": {"a": 3.0, "b": 0.0}},
        {"epoch": 3, "n_epochs": 3},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run.folder / "history.jsonl").write_text(text, "utf-8")
    return settings


@pytest.fixture
def rows(settings: Settings) -> pd.DataFrame:
    return read_leaderboard(settings, comparisons(settings, "shapes")[0]).rows


@pytest.mark.parametrize(("is_share", "values"), [(True, [1.0, 0.5]), (False, [6.0, 3.0])])
def test_losses_are_sums_of_terms(settings: Settings, rows, is_share: bool, values: list[float]):
    table = training_table(settings, rows, is_share=is_share)

    assert table["model"].unique().tolist() == ["ITQ"]
    assert table["y"].tolist() == values


def test_terms_are_given_by_code_length(settings: Settings, rows):
    found = terms_by_length(settings, rows[rows["method"] == "itq"])

    assert list(found) == [12]
    assert found[12].groupby("term")["value"].apply(list).to_dict() == {"a": [4, 3], "b": [2, 0]}


def test_a_loss_is_drawn_on_a_logarithmic_axis_without_percent(settings: Settings, rows):
    table = training_table(settings, rows, is_share=False)

    chart = curves(table, ["itq"], Axes("Epoch", "Loss", is_bounded=False, is_log_y=True)).to_dict()

    y = chart["layer"][1]["encoding"]["y"]
    assert (y["scale"]["type"], y["axis"]["format"]) == ("log", "~g")
