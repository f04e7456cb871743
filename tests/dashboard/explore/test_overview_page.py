"""Overview in process: figures, the query on the map, the lasso, and links of earlier versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.analysis.opened_run import open_run
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, published_run, texts


def test_figures_stand_beside_those_of_the_features(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "overview")

    assert not app.exception
    assert [one.label for one in app.metric] == ["Bytes per image", "mAP", "P@10", "Neighbours@10"]
    report = published_run(shared_home).report()
    assert app.metric[0].value == "2"
    assert app.metric[1].value == f"{100 * report.map:.1f} %"
    said = texts(app)
    assert "shapes: 60 images in 120 bytes: 2 bytes each" in said
    assert "protocol holdout" in said or "holdout · labels: class" in said
    assert "Nearest to" in said


def test_the_query_is_that_of_search(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "overview", q="ds:7")
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))

    assert f"Nearest to {opened.text('text', 7) or opened.text('image_id', 7)}" in texts(app)
    app.switch_page("explore/search_page.py").run()
    assert app.query_params["q"] == "ds:7"


def test_the_lasso_shows_its_images_until_it_is_cleared(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "overview")
    run = published_run(shared_home)
    app.session_state["lassoed"] = (run.id, [0])
    assert "in the lasso" in texts(app.run())
    assert "Nearest to" not in texts(app)

    app.button(key="clear_lasso").click().run()
    assert "Nearest to" in texts(app)
    app.session_state["lassoed"] = ("another run", [0])
    assert "Nearest to" in texts(app.run())


@pytest.mark.parametrize("setting", [{"k": "48"}, {"order": "Codes only"}, {"v": "1"}])
def test_links_of_the_time_when_search_was_here_go_on_to_it(
    open_app: OpenApp, shared_home: Path, setting: dict[str, str]
):
    app = open_app(shared_home, "overview", q="ds:7", **setting)

    assert not app.exception
    assert app.title[0].value == "Search"
    assert app.query_params["q"] == "ds:7"


def test_a_library_without_images_says_what_to_do(open_app: OpenApp, tmp_path: Path):
    app = open_app(tmp_path / "nothing", "overview")

    assert not app.exception
    assert app.subheader[0].value == "The library is empty"


def test_a_data_set_without_runs_offers_training(open_app: OpenApp, own_home: Path):
    registry = RunRegistry(Settings(home=own_home))
    for run in registry.all():
        registry.delete(run)
    app = open_app(own_home, "overview")

    assert not app.exception
    assert app.subheader[0].value == "No finished run on this data set"
