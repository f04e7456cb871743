"""Runs in every state, in process."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from models.method import EpochLog
from pipeline.index.index_jobs import requested
from pipeline.ingest.importing import execute_import
from pipeline.ingest.request import ImportRequest
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts, train


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")


def queued(home: Path, sweep: str = "", **changes: object) -> str:
    usual = {"dataset": "shapes", "method": "dpsh", "bits": 12, "backbone": "tiny"}
    spec = RunSpec.model_validate({**usual, "label_set": "class", **changes})
    return RunRegistry(Settings(home=home)).create(spec, sweep).id


def test_runs_show_state_log_settings_and_buttons(open_app: OpenApp, own_home: Path) -> None:
    app = open_app(own_home, "runs")

    assert not app.exception
    assert len(app.dataframe[0].value) == 2
    assert "Measured" not in app.dataframe[0].proto.column_order  # both alike
    assert {one.label for one in app.tabs} == {"Curves", "Log", "Settings", "Environment", "Index"}
    assert any(one.label == "Delete it" for one in app.button)


def test_a_run_in_training_shows_its_curves(open_app: OpenApp, own_home: Path) -> None:
    run = RunRegistry(Settings(home=own_home)).open(queued(own_home))
    for epoch in (1, 2):
        run.log_epoch(
            EpochLog(epoch, 30, {"likelihood": 1 / epoch}, 0.5 * epoch), validation_map=0.4
        )

    app = open_app(own_home, "runs", job=run.id)

    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 2
    assert [one.label for one in app.expander].count("Data and downloads") == 2


def test_a_queued_run_can_be_stopped_and_resumed(open_app: OpenApp, own_home: Path) -> None:
    run_id = queued(own_home)
    run = RunRegistry(Settings(home=own_home)).open(run_id)
    app = open_app(own_home, "runs")
    app.selectbox(key="job").select(run_id).run()
    assert "Runs are waiting for a worker" in texts(app)

    button(app, "Stop it").click().run()
    assert run.state() == "cancelled"
    button(app, "Resume").click().run()

    assert not app.exception
    assert run.state() == "queued"


def test_a_failed_run_says_why_and_can_be_deleted(open_app: OpenApp, own_home: Path) -> None:
    run_id = queued(own_home)
    run = RunRegistry(Settings(home=own_home)).open(run_id)
    run.update(state="failed", error="disk [full] at *x*")

    app = open_app(own_home, "runs", job=run_id)
    assert "disk [full] at *x*" in texts(app)
    assert any(one.label == "Retry" for one in app.button)
    button(app, "Delete it").click().run()

    assert not app.exception
    assert not run.folder.exists()


def test_a_lost_run_is_explained(open_app: OpenApp, own_home: Path) -> None:
    run_id = queued(own_home)
    run = RunRegistry(Settings(home=own_home)).open(run_id)
    run.update(state="running", heartbeat=1.0)

    app = open_app(own_home, "runs", job=run_id)

    assert "nothing has been heard from it for half a minute" in texts(app)


def test_a_link_to_a_run_that_is_gone_says_so_until_another_is_chosen(
    open_app: OpenApp, own_home: Path
):
    waiting = queued(own_home, sweep="night")
    done = next(run.id for run in RunRegistry(Settings(home=own_home)).all() if run.id != waiting)
    app = open_app(own_home, "runs", job="20200101-gone")
    (said,) = (one.value.replace("\\", "") for one in app.info)
    shown = app.selectbox(key="job")
    assert said.startswith("This link refers to a run that no longer exists (20200101-gone); ")
    assert said.endswith(f"{shown.options[shown.index]} is shown instead.")
    assert len(app.run().info) == 1
    app.selectbox(key="job").set_value(done).run()
    assert not app.info

    app = open_app(own_home, "runs", job=done, sweep="night")
    assert app.selectbox(key="job").value == waiting
    assert not app.info  # it is not gone, only not of this sweep

    app = open_app(own_home, "runs", sweep="dawn")
    assert [one.value for one in app.info] == [
        "This link refers to a sweep that no longer exists (dawn); All runs is shown instead."
    ]
    app.selectbox(key="sweep").set_value("night").run()
    assert not app.info


def test_runs_that_would_look_equal_are_told_apart(open_app: OpenApp, own_home: Path) -> None:
    train(Settings(home=own_home), "shapes", split_seed=1)

    app = open_app(own_home, "runs")

    assert not app.exception
    assert "Measured" in app.dataframe[0].proto.column_order
    assert set(app.dataframe[0].value["Measured"]) == {"split 0", "split 1"}
    assert "on class, protocol holdout" in texts(app)
    options = app.selectbox(key="job").options
    for split in (0, 1):
        assert sum(f"ITQ · 12 bits · split {split} · seed 0" in one for one in options) == 1
    offered = app.sidebar.selectbox(key="run").options
    assert sum("split 1" in one for one in offered) == 1


def on_run(open_app: OpenApp, home: Path, run_id: str) -> AppTest:
    app = open_app(home, "runs")
    app.selectbox(key="job").select(run_id).run()
    assert not app.exception
    return app


def test_a_finished_run_leads_to_a_search_with_it(open_app: OpenApp, own_home: Path) -> None:
    run = train(Settings(home=own_home), "shapes", method="pcah")
    app = on_run(open_app, own_home, run.id)

    button(app, "Search with it").click().run()

    assert not app.exception
    assert app.title[0].value == "Search"
    assert app.query_params["run"].startswith("pcah-12b")
    assert app.sidebar.selectbox(key="run").value.startswith("pcah-12b")


def test_a_run_is_compared_with_the_best_that_was_measured_alike(
    open_app: OpenApp, own_home: Path
) -> None:
    settings = Settings(home=own_home)
    train(settings, "shapes", bits=24, split_seed=1)  # measured otherwise, however good
    runs = [run for run in RunRegistry(settings).all() if not run.spec.split_seed]
    best = max(runs, key=lambda run: run.report().map)
    (other,) = (run for run in runs if run.id != best.id)

    app = on_run(open_app, own_home, best.id)
    assert button(app, "Compare with best").disabled
    assert "the best of the runs that were measured alike" in texts(app)
    app.selectbox(key="job").select(other.id).run()
    button(app, "Compare with best").click().run()

    assert not app.exception
    assert app.title[0].value == "Compare"
    sides = [app.query_params[name] for name in ("a", "b")]
    assert [side.split("-")[0] for side in sides] == [other.spec.method, best.spec.method]


def test_a_run_without_its_like_says_so(open_app: OpenApp, own_home: Path) -> None:
    alone = train(Settings(home=own_home), "shapes", split_seed=1)

    app = on_run(open_app, own_home, alone.id)

    assert button(app, "Compare with best").disabled
    assert "No other run was measured under the same protocol" in texts(app)


def test_a_run_is_published_and_added_to_the_report(open_app: OpenApp, own_home: Path) -> None:
    run = train(Settings(home=own_home), "shapes", method="pcah")
    app = on_run(open_app, own_home, run.id)

    button(app, "Publish").click().run()
    assert requested(run) is not None
    button(app, "Add to report").click().run()

    assert not app.exception
    assert app.toast[0].value.startswith("Added to the report")


def test_a_run_of_another_data_set_asks_for_it_before_it_is_reported(
    open_app: OpenApp, own_home: Path, image_folder: Path
) -> None:
    settings = Settings(home=own_home)
    execute_import(ImportRequest(source=str(image_folder), name="others"), settings)
    run = train(settings, "others")
    app = on_run(open_app, own_home, run.id)

    assert button(app, "Add to report").disabled
    assert "Choose others in the sidebar" in texts(app)
    button(app, "Search with it").click().run()
    assert app.sidebar.selectbox(key="ds").value == "others"
