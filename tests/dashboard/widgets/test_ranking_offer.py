"""One ranking on the pages about runs: followed where it was measured, else said and offered."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from models.backbones.registry import load_backbone
from pipeline.analysis.opened_run import open_measured
from pipeline.analysis.ranked_run import rank_queries
from pipeline.datasets.dataset import load_dataset
from pipeline.features import FeatureCache
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts

PAGES = ("curves", "failures", "codes")


def opened(open_app: OpenApp, home: Path, page: str, ranking: str) -> AppTest:
    """The page, at the view that evaluates."""
    app = open_app(home, page, ranking=ranking)
    return app.get_by_key("view").set_value("All codes").run() if page == "codes" else app


@pytest.fixture
def rescored(own_home: Path) -> Path:
    """The library with all runs measured in another ranking, too."""
    settings = Settings(home=own_home)
    dataset = load_dataset("shapes", settings)
    cache = FeatureCache(load_backbone("tiny"), settings)
    for run in RunRegistry(settings).all():
        evaluate_run(run, dataset, settings, cache, ranking="rescored@200")
    return own_home


@pytest.mark.parametrize("page", PAGES)
def test_a_ranking_that_was_not_measured_is_said_with_button_and_command(
    open_app: OpenApp, own_home: Path, page: str
):
    app = opened(open_app, own_home, page, "asymmetric")

    assert not app.exception
    assert "not measured by real-valued queries" in app.warning[0].value.replace("\\", "")
    assert app.code[0].value.endswith(" --ranking asymmetric")
    button(app, "Measure asymmetric").click().run()

    assert not app.exception
    assert not app.warning
    assert app.get_by_key("protocol").value.endswith("asymmetric")
    assert "real-valued queries" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_measured_ranking_is_followed_and_the_others_are_offered_aside(
    open_app: OpenApp, rescored: Path, page: str
):
    app = opened(open_app, rescored, page, "rescored@200")

    assert not app.exception
    assert not app.warning
    assert app.get_by_key("protocol").label == "Protocol, relevance and ranking"
    assert "the first 200 rescored by the features' cosine" in texts(app)
    offered = [one.label for one in app.button if one.label.startswith("Measure ")]
    assert offered == ["Measure asymmetric"]
    button(app, "Measure asymmetric").click().run()
    assert app.query_params["ranking"] == "asymmetric"
    assert app.get_by_key("protocol").value.endswith("asymmetric")


def test_failures_have_the_values_of_the_ranking(open_app: OpenApp, rescored: Path):
    app = opened(open_app, rescored, "failures", "rescored@200")

    settings, run = Settings(home=rescored), app.session_state["run_id"]
    queries = open_measured(run, load_dataset("shapes", settings), settings)
    worst = rank_queries(queries, "rescored@200", settings).curves.average_precision.min()
    assert f"<div>AP {100 * worst:.1f} %</div>" in texts(app)
    app.get_by_key("failures_view").set_value("Hubs").run()
    assert "This view is by Hamming distance, whatever ranking is chosen" in texts(app)
    assert not app.exception


def test_a_run_whose_ranking_cannot_be_repeated_is_shown_by_distance_with_the_reason(
    open_app: OpenApp, own_home: Path
):
    app = opened(open_app, own_home, "failures", "asymmetric")
    button(app, "Measure asymmetric").click().run()
    for run in RunRegistry(Settings(home=own_home)).all():
        (run.folder / "model" / "weights.safetensors").unlink()
    st.cache_resource.clear()
    app = opened(open_app, own_home, "failures", "asymmetric")

    assert not app.exception
    assert "cannot be ranked by asymmetric" in app.error[0].value
    assert "What is shown is by Hamming distance." in app.error[0].value


def test_a_curve_by_radius_has_no_other_ranking(open_app: OpenApp, rescored: Path):
    app = opened(open_app, rescored, "curves", "rescored@200")
    assert app.get("vega_lite_chart")

    app.get_by_key("curve").set_value("Precision within radius").run()

    assert not app.exception
    assert "has no radius" in app.info[0].value
    assert not app.get("vega_lite_chart")
