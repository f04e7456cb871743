"""Train three recommended: the offer, the queue, the progress, the best published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.services.recommended_training import needs_publishing, recommended_plan
from pipeline.datasets.dataset import list_datasets
from pipeline.files import write_atomic
from pipeline.index.index_jobs import requested
from pipeline.index.publish_best import best_run, serve_best
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")


@pytest.fixture
def untrained(own_home: Path) -> Path:
    """The library without its runs."""
    shutil.rmtree(own_home / "runs")
    return own_home


def runs_of(home: Path) -> list[Run]:
    return RunRegistry(Settings(home=home)).all()


def finish(home: Path, shared: Path, state: str = "done") -> None:
    """Let the queued runs be over, with the report of another run."""
    (report,) = shared.glob("runs/*itq*/report.json")
    for run in runs_of(home):
        status = json.loads((run.folder / "run.json").read_text("utf-8"))
        write_atomic((run.folder / "run.json"), json.dumps(status | {"state": state}))
        if state == "done":
            (run.folder / "report.json").write_bytes(report.read_bytes())


def offered(app: AppTest) -> bool:
    return any(one.key == "train_recommended" for one in app.button)


@pytest.mark.parametrize("page", ["", "leaderboard", "curves", "failures", "codes", "runs"])
def test_a_page_without_runs_offers_to_train_and_keeps_the_command_aside(
    open_app: OpenApp, untrained: Path, page: str
):
    app = open_app(untrained, page)

    assert not app.exception
    assert button(app, "Train three recommended").proto.type == "primary"
    assert "the baseline that others have to beat" in texts(app)
    assert app.code[0].value.startswith("python -m pipeline sweep --dataset shapes --methods itq")
    assert "As a command" in [one.label for one in app.expander]
    assert "reload" not in texts(app)


def test_the_button_queues_three_runs_and_shows_how_far_they_are(
    open_app: OpenApp, untrained: Path
):
    app = open_app(untrained, "leaderboard")

    button(app, "Train three recommended").click().run()

    assert not app.exception
    queued = runs_of(untrained)
    assert {run.spec.method for run in queued} == {"itq", "ud2h", "orthohash"}
    assert {(run.spec.bits, run.spec.label_set) for run in queued} == {(16, "class")}
    assert app.subheader[1].value == "Training, 0 of 3 done"
    assert not offered(app)
    assert "Follow on Runs" in [one.proto.label for one in app.get("page_link")]
    assert "Waiting for a worker" in texts(app)


def test_the_best_is_published_once_all_are_done(
    open_app: OpenApp, untrained: Path, shared_home: Path
):
    app = open_app(untrained, "runs")
    button(app, "Train three recommended").click().run()
    finish(untrained, shared_home)

    serve_best(Settings(home=untrained))  # the worker, whoever still looks at the page

    asked = [run for run in runs_of(untrained) if requested(run)]
    assert [requested(run).action for run in asked] == ["publish"]  # type: ignore[union-attr]


def test_runs_that_failed_are_named_and_can_be_trained_again(
    open_app: OpenApp, untrained: Path, shared_home: Path
):
    app = open_app(untrained, "leaderboard")
    button(app, "Train three recommended").click().run()
    finish(untrained, shared_home, "failed")
    st.cache_data.clear()  # the list of runs is kept for a second

    app = open_app(untrained, "leaderboard")

    assert not app.exception
    assert "UD2H (reconstruction) · 16 bits: failed" in texts(app)
    assert offered(app)


def test_nothing_is_best_while_one_is_at_work(untrained: Path, shared_home: Path):
    settings = Settings(home=untrained, start_worker=False)
    (info,) = list_datasets(settings)
    plan = recommended_plan(settings, info)
    assert (plan.tried, plan.plan.n_new) == ((), 3)
    registry = RunRegistry(settings)
    for planned in plan.plan.planned:
        registry.create(planned.spec)

    tried = recommended_plan(settings, info).tried
    assert len(tried) == 3
    assert best_run(settings, tried) is None
    finish(untrained, shared_home)
    best = best_run(settings, tried)
    assert best is not None
    assert needs_publishing(best)


def test_an_empty_library_offers_the_drawings_and_an_import(
    open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from dashboard.services import imports

    started = []
    monkeypatch.setattr(imports, "start_job", lambda job, _settings: started.append(job))
    app = open_app(tmp_path / "nothing")

    button(app, "Import the drawings").click().run()

    assert not app.exception
    assert started[0].request().source == "openmoji"
    assert started[0].status().kind == "import"
    assert app.title[0].value == "Import"
