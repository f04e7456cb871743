"""One switch of protocol and labels: it follows the sidebar's run, and leads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services.run_choices import run_choices
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, texts, train

PAGES = ("leaderboard", "curves", "failures", "codes", "advisor")


def opened(open_app: OpenApp, home: Path, page: str) -> AppTest:
    """The page, at the view that evaluates."""
    app = open_app(home, page)
    return app.get_by_key("view").set_value("All codes").run() if page == "codes" else app


@pytest.fixture
def two_splits(own_home: Path) -> Path:
    """The library with a third run, measured on another split."""
    train(Settings(home=own_home), "shapes", split_seed=1)
    return own_home


@pytest.mark.parametrize("page", PAGES)
def test_every_evaluating_page_has_the_switch_and_names_protocol_and_labels(
    open_app: OpenApp, two_splits: Path, page: str
):
    app = opened(open_app, two_splits, page)

    assert not app.exception
    switch = app.get_by_key("protocol")
    by_labels = [option for option in switch.options if "copies" not in option]
    assert (switch.label, len(by_labels)) == ("Protocol and relevance", 2)
    assert "Protocol holdout, relevant by class" in texts(app)


@pytest.mark.parametrize("page", PAGES)
def test_one_comparison_is_named_without_a_switch(open_app: OpenApp, shared_home: Path, page: str):
    app = opened(open_app, shared_home, page)

    switches = [one for one in app.selectbox if one.label == "Protocol and relevance"]
    if page in ("leaderboard", "curves"):  # which show copies, too
        (switch,) = switches
        assert switch.options == ["holdout · labels: class", "holdout · copies"]
    else:
        assert "protocol holdout · labels: class" in texts(app)
        assert not switches


def test_another_comparison_chooses_a_run_of_it_on_all_pages(open_app: OpenApp, two_splits: Path):
    app = open_app(two_splits, "leaderboard")
    before, other = app.session_state["run"], app.get_by_key("protocol").options[1]

    app.get_by_key("protocol").set_value(other).run()

    assert not app.exception
    after = app.session_state["run"]
    assert after != before
    assert after.startswith("itq-12b")  # the same method and length
    assert "split seed 1" in texts(app)
    app.switch_page("evaluate/curves_page.py").run()
    assert app.get_by_key("protocol").value == other
    app.switch_page("evaluate/failures_page.py").run()
    assert app.get_by_key("protocol").value == other
    assert app.session_state["run"] == after


def test_the_sidebar_shows_the_map_of_the_leaderboard_for_every_run(
    open_app: OpenApp, two_splits: Path
):
    train(Settings(home=two_splits), "shapes", method="lsh", bits=8, seed=1)
    app = open_app(two_splits, "leaderboard")
    table = app.dataframe[0].value

    labels = app.sidebar.get_by_key("run").options

    lsh = table[table["Model"] == "LSH"].iloc[0]
    of_lsh = [label for label in labels if label.startswith("LSH")]
    assert len(of_lsh) == lsh["Seeds"] == 2
    assert all(f"mAP {lsh['mAP']:.1f} · split 0" in label for label in of_lsh)
    app.session_state["run"] = next(
        one.slug
        for one in run_choices(Settings(home=two_splits), "shapes")
        if one.label.startswith("LSH")
    )
    app.run()
    assert "mean of 2 seeds, protocol holdout, labels class" in texts(app)


def test_a_run_that_was_not_measured_leaves_the_first_comparison(
    open_app: OpenApp, two_splits: Path
):
    app = open_app(two_splits, "leaderboard")
    chosen = app.session_state["run_id"]
    (RunRegistry(Settings(home=two_splits)).open(chosen).folder / "report.json").unlink()

    app = open_app(two_splits, "leaderboard")

    assert not app.exception
