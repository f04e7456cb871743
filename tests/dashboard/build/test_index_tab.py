"""The Index tab of a run, in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.index.index_jobs import IndexProgress, requested, serve
from pipeline.index.publish import read_index
from pipeline.jobs import write
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, published_run, texts


def test_the_index_tab_asks_the_worker_and_shows_what_came_of_it(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")
    settings, run = Settings(home=own_home), published_run(own_home)
    app = open_app(own_home, "runs", job=run.id)

    app.button(key="index_publish").click().run()

    assert not app.exception
    assert requested(run).action == "publish"
    assert "Waiting for the worker: publish" in app.info[-1].value
    write(run.folder / "index-progress.json", IndexProgress(message="20 of 60 codes"))
    app.run()
    assert "publish. 20 of 60 codes. Searches" in app.info[-1].value
    assert serve(settings) == 1
    app.run()
    assert read_index(run).collection.endswith("__v2")
    assert "Last request: publish" in texts(app)


def test_features_are_offered_with_their_size_and_sort_results_in_the_index(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    """60 images of 64 dimensions in one byte each: 3,840 bytes."""
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")
    settings, run = Settings(home=own_home), published_run(own_home)
    app = open_app(own_home, "runs", job=run.id)
    offered = app.selectbox(key="index_features").options

    app.selectbox(key="index_features").select("int8").run()
    app.button(key="index_publish").click().run()

    assert offered == ["None", "float16 · 7.7 kB", "int8 · 3.8 kB"]
    assert requested(run).features == "int8"
    assert serve(settings) == 1
    app.run()
    assert "with int8 features" in texts(app)
    assert "· int8 features ·" in texts(app)
    app = open_app(own_home, q="ds:5", order="Similarity", run=run.id)
    assert not app.exception
    assert "nearest by similarity, sorted in the index" in texts(app)


def test_deleting_a_published_run_is_left_to_the_worker(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")
    settings, run = Settings(home=own_home), published_run(own_home)
    app = open_app(own_home, "runs", job=run.id)

    next(one for one in app.button if one.label == "Delete it").click().run()

    assert not app.exception
    assert requested(run).action == "delete"
    assert "Waiting for the worker: delete" in app.info[-1].value
    assert serve(settings) == 1
    app.run()
    assert not app.exception
    assert not run.folder.exists()


def test_verifying_from_the_page_says_what_was_compared(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "runs", job=published_run(shared_home).id)

    app.button(key="index_verify").click().run()

    assert not app.exception
    assert "60 codes" in app.success[0].value
