"""Ablation studies read from measured runs: what belongs together, order, verdict, finding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.ablation_studies import read_studies
from pipeline.analysis.comparisons import comparisons
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import train

SMALL = {"min_images": 0, "rounds": 4, "eigenvectors": 8, "learning_rate": 0.01, "neighbours": 5}


def test_a_study_lists_its_variants_costliest_first_with_what_they_change(own_home: Path):
    settings = Settings(home=own_home)
    for changes in ({}, {"globality": False}, {"gamma": 0.0}):
        train(settings, "shapes", method="ud2h", config=SMALL | changes)
    (comparison,) = comparisons(settings, "shapes")

    (study,) = read_studies(settings, comparison)

    assert set(study.rows["variant"]) == {"globality off", "quantization off"}
    assert study.rows["difference"].is_monotonic_increasing
    for row in study.rows.to_dict("records"):
        assert row["difference"] == pytest.approx(row["map"] - study.full)
        is_beyond = row["difference_high"] < 0 or row["difference_low"] > 0
        assert (row["verdict"] != "within noise") == is_beyond
    assert study.label.startswith("UD2H, neighbours=5, eigenvectors=8, rounds=4")
    assert study.label.endswith(" · 12 bits")
    assert study.label in study.finding


def test_without_a_variant_there_is_no_study(own_home: Path):
    settings = Settings(home=own_home)
    train(settings, "shapes", method="ud2h", config=SMALL)
    (comparison,) = comparisons(settings, "shapes")

    assert read_studies(settings, comparison) == []
    assert len(RunRegistry(settings).all()) == 3


def test_a_verdict_says_on_which_side_of_zero_the_interval_lies(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = Settings(home=own_home)
    for changes in ({}, {"globality": False}):
        train(settings, "shapes", method="ud2h", config=SMALL | changes)
    (comparison,) = comparisons(settings, "shapes")
    spans = {"worse": (-0.3, -0.1), "same": (-0.1, 0.1), "better": (0.1, 0.3)}
    measured = pd.DataFrame(
        [("full", 1, 0.5, np.nan, np.nan, np.nan)]
        + [(name, 1, 0.5, sum(span) / 2, *span) for name, span in spans.items()],
        columns=["variant", "seeds", "map", "difference", "difference_low", "difference_high"],
    )
    monkeypatch.setattr("pipeline.analysis.ablation_studies.table", lambda study, runs: measured)

    (study,) = read_studies(settings, comparison)

    assert study.rows["verdict"].tolist() == ["costs", "within noise", "gains"]
    assert "“worse” costs most, 20.0 of 50.0 points; 1 of 3" in study.finding
