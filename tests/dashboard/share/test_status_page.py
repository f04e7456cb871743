"""Status in every state, in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard import cached
from dashboard.widgets import no_worker
from pipeline.runs.registry import RunRegistry
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, publish_on, texts
from tests.qdrant_stub import QdrantStub


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
    assert "On the server" not in app.dataframe[0].value


@pytest.mark.parametrize(
    ("nodes", "version", "told", "spread"),
    [
        ((), "1.20.0", "1 collection, version 1.20.0, 1 node", "1 shard, 1 copy"),
        ((True,) * 3, "1.20.0", "version 1.20.0, 3 of 3 nodes answer", "6 shards, 2 copies"),
        ((True, True, False), "1.20.0", "Start the nodes that", "6 shards, 1 of 2 copies"),
        ((), "1.1.0", "The Qdrant server has version 1.1.0", "1 shard, 1 copy"),
    ],
)
def test_status_shows_version_nodes_shards_and_copies_of_a_server(
    open_app: OpenApp,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    nodes: tuple[bool, ...],
    version: str,
    told: str,
    spread: str,
):
    with QdrantStub() as stub:
        publish_on(stub, own_home)
        monkeypatch.setenv("QDRANT_URL", stub.url)
        stub.nodes, stub.version = nodes, version

        app = open_app(own_home, "status")

        assert not app.exception
        assert told in texts(app)
        assert app.dataframe[0].value["On the server"].tolist() == [spread]
        cached.library.store.clear()
