"""The pages Train and Runs in process: first run, normal, and each problem."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from models.method import EpochLog
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts
from tests.factories import unlabelled


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")


def train_page(open_app: OpenApp, home: Path) -> AppTest:
    """The page with the network that the small library has features of."""
    app = open_app(home, "train")
    return app.selectbox(key="backbone").select("tiny").run()


def queued(home: Path, sweep: str = "", **changes: object) -> str:
    usual = {"dataset": "shapes", "method": "dpsh", "bits": 12, "backbone": "tiny"}
    spec = RunSpec.model_validate({**usual, "label_set": "class", **changes})
    return RunRegistry(Settings(home=home)).create(spec, sweep).id


def test_without_a_data_set_both_pages_say_what_to_do(open_app: OpenApp, tmp_path: Path) -> None:
    for page, words in (("train", "The library is empty"), ("runs", "No runs yet")):
        app = open_app(tmp_path / "nothing", page)
        assert not app.exception
        assert app.subheader[0].value == words


def test_a_plan_is_priced_and_shown_as_a_command(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home)
    app.checkbox(key="method_lsh").check().run()

    assert not app.exception
    assert "**2 new runs** · about" in texts(app)
    assert "--methods itq,lsh --bits 32" in app.code[0].value
    assert '"method": "itq"' in app.code[1].value


def test_a_network_of_torchvision_can_be_chosen(open_app: OpenApp, own_home: Path) -> None:
    app = open_app(own_home, "train")
    app.selectbox(key="backbone").select("torchvision:NAME").run()
    app.text_input(key="network").set_value("resnett18").run()
    assert not app.exception
    assert "unknown torchvision network 'resnett18'. Did you mean 'resnet18'?" in texts(app)

    app.text_input(key="network").set_value("resnet18").run()

    assert not app.exception
    assert any("--backbone torchvision:resnet18" in one.value for one in app.code)


def test_a_run_that_is_there_is_recognised(open_app: OpenApp, own_home: Path) -> None:
    queued(own_home, method="itq")
    app = train_page(open_app, own_home)
    app.button_group(key="bits").set_value([12]).run()

    assert "**0 new runs** · 1 waiting or running" in texts(app)
    assert button(app, "Start").disabled


def test_starting_queues_the_runs(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home)
    app.checkbox(key="method_dpsh").check()
    app.button_group(key="preset").set_value("Quick").run()
    before = len(RunRegistry(Settings(home=own_home)).all())

    button(app, "Start 2 runs").click().run()

    assert not app.exception
    runs = RunRegistry(Settings(home=own_home)).all()
    assert len(runs) == before + 2
    assert {run.spec.config.get("epochs") for run in runs if run.state() == "queued"} == {5, None}


def test_settings_by_hand_are_checked_by_the_pipeline(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home)
    app.button_group(key="preset").set_value("Custom").run()
    assert app.number_input(key="set_itq_iterations").value == 50

    app.number_input(key="set_itq_iterations").set_value(7).run()
    assert "--set itq.iterations=7" in app.code[0].value

    app.selectbox(key="vary").select("iterations").run()
    app.text_input(key="vary_iterations").set_value("5, many").run()
    assert app.error
    assert button(app, "Start").disabled


def test_methods_that_cannot_train_here_say_why(open_app: OpenApp, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "bare", threads=1)
    unlabelled(settings)

    app = open_app(settings.home, "train")

    assert not app.exception
    assert app.checkbox(key="method_dpsh").disabled
    assert not app.checkbox(key="method_itq").disabled
    assert "DPSH needs labels, and 'bare' has none" in texts(app)


def test_methods_without_gradients_cannot_fine_tune(open_app: OpenApp, own_home: Path) -> None:
    app = train_page(open_app, own_home)
    assert app.toggle(key="finetune").disabled

    app.checkbox(key="method_itq").uncheck()
    app.checkbox(key="method_dpsh").check().run()
    app.toggle(key="finetune").set_value(True).run()

    assert "--tune stages=3" in app.code[0].value


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
    assert [one.label for one in app.expander] == ["Data and downloads"] * 2


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
