"""Runs in every state, in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.method import EpochLog
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


def test_runs_that_would_look_equal_are_told_apart_by_protocol_and_labels(
    open_app: OpenApp, own_home: Path
) -> None:
    train(Settings(home=own_home), "shapes", label_set="class")

    app = open_app(own_home, "runs")

    assert not app.exception
    shown = list(app.dataframe[0].proto.column_order)
    assert "Relevant by" in shown
    assert "Protocol" not in shown  # all are measured under the same one
    assert "on class, protocol holdout" in texts(app)
