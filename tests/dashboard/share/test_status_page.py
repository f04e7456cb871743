"""Status in every state, in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.widgets import no_worker
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts


def test_status_of_an_empty_library_has_remedies(open_app: OpenApp, tmp_path: Path):
    app = open_app(tmp_path / "nothing", "status")

    assert not app.exception
    assert "Publish one on Runs." in texts(app)
    assert "python -m pipeline" not in texts(app)
    assert [one.label for one in app.expander if one.code] == ["As a command"] * 3
    assert button(app, "Import the drawings")


def test_status_starts_a_worker_for_what_waits(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_START_WORKER", "1")
    started: list[object] = []
    monkeypatch.setattr(no_worker, "ensure_worker", started.append)
    RunRegistry(Settings(home=own_home)).create(RunSpec(dataset="shapes", method="lsh"))
    app = open_app(own_home, "status")
    assert "1 run is waiting for a worker; none is running." in texts(app)

    button(app, "Start a worker").click().run()

    assert not app.exception
    assert len(started) == 1


def test_status_shows_store_indexes_licence_and_versions(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "status")

    assert not app.exception
    page = texts(app)
    assert "embedded, in" in page
    assert "1 live, 60 codes" in page
    assert "as given by the owner of the files" in page
    assert "streamlit" in page
    assert app.dataframe[0].value["State"].tolist() == ["live"]
