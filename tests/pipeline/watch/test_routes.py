"""Routes for operators: who may read what, and that all that the dashboard file asks for exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

import pipeline.watch
from pipeline.runs.registry import RunRegistry
from pipeline.serving.app import api_app
from pipeline.settings import Settings
from tests import factories

KEY = "k" * 32
BOARD = Path(pipeline.watch.__file__).parent / "monitoring" / "dashboard.json"
Sample = tuple[str, frozenset[tuple[str, str]]]


def metrics(client: TestClient, **headers: str) -> dict[Sample, float]:
    answered = client.get("/metrics", headers=headers)
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answered.text)
        for sample in family.samples
    }


def value(found: dict[Sample, float], name: str, **labels: str) -> float:
    return found.get((f"hashlens_{name}", frozenset(labels.items())), 0.0)


def test_searches_are_counted_by_kind_and_outcome(library: Settings) -> None:
    client = TestClient(api_app(library))
    before = metrics(client)

    def search(**query: object) -> None:
        client.post("/api/v1/search", json={"run": "itq_shapes", **query})

    search(code="0000")
    search(id="nothing")
    search(vector=[0.5] * 48)
    after = metrics(client)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    # the run of this library has no index, so its code files answer
    assert more("searches_total", asker="rest", kind="code", outcome="fallback") == 1
    assert more("searches_total", asker="rest", kind="id", outcome="refused") == 1
    assert more("encode_seconds_count", kind="vector") == 1
    assert more("search_seconds_count") >= 1
    assert more("requests_total", method="POST", route="/api/v1/search", status="404") == 1


def test_a_fault_of_ours_is_a_failed_search(
    library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(api_app(library), raise_server_exceptions=False)
    labels = {"asker": "rest", "kind": "code", "outcome": "failed"}
    before = value(metrics(client), "searches_total", **labels)
    monkeypatch.setattr("pipeline.serving.service.find_shortlist", lambda *_, **__: 1 / 0)

    assert client.post("/api/v1/search", json={"run": "itq", "code": "0000"}).status_code == 500
    assert value(metrics(client), "searches_total", **labels) == before + 1


def test_runs_queue_and_heartbeat_are_those_of_the_data_folder(own_library: Settings) -> None:
    client = TestClient(api_app(own_library))
    RunRegistry(own_library).create(factories.spec(bits=8))
    workers = own_library.home / "workers"
    workers.mkdir()
    (workers / "host-1").touch()

    found = metrics(client)

    assert value(found, "runs", state="done") == 1
    assert value(found, "runs", state="queued") == 1
    assert ("hashlens_runs", frozenset({("state", "failed")})) in found
    assert value(found, "queue_length", work="run") == 1
    assert ("hashlens_queue_length", frozenset({("work", "index")})) in found
    assert 0 <= value(found, "worker_heartbeat_age_seconds") < 60
    assert value(found, "ready", check="data") == 1


def test_a_data_folder_that_cannot_be_read_has_no_runs_instead_of_none(tmp_path: Path) -> None:
    client = TestClient(api_app(Settings(home=tmp_path / "gone")))

    found = metrics(client)

    assert ("hashlens_ready", frozenset({("check", "data")})) in found
    assert value(found, "ready", check="data") == 0
    assert not any(name == "hashlens_runs" for name, _ in found)
    answered = client.get("/readyz")
    assert (answered.status_code, answered.json()["status"]) == (503, "not ready")
    assert "No such file" in answered.json()["checks"]["data"]
    assert client.get("/healthz").status_code == 200
    assert not (tmp_path / "gone").exists()  # being asked, it made none


def test_metrics_need_a_key_where_there_are_keys_and_health_does_not(library: Settings) -> None:
    client = TestClient(api_app(library.model_copy(update={"api_keys": f"viewer:{KEY}"})))

    assert client.get("/metrics").status_code == 401
    assert metrics(client, authorization=f"Bearer {KEY}")
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"


def test_the_document_names_every_measure(own_library: Settings) -> None:
    document = (factories.ROOT / "docs" / "operations.md").read_text("utf-8")
    client = TestClient(api_app(own_library))
    client.post("/api/v1/search", json={"run": "itq_shapes", "code": "0000"})

    names = {name for name, _ in metrics(client) if name.startswith("hashlens_")}

    assert len(names) > 8
    for name in names:
        assert f"`{re.sub('_(bucket|count|sum)$', '', name)}`" in document


def test_every_measure_that_the_dashboard_file_shows_exists(own_library: Settings) -> None:
    client = TestClient(api_app(own_library))
    client.post("/api/v1/search", json={"run": "itq_shapes", "vector": [0.5] * 48})
    (own_library.home / "workers").mkdir()
    (own_library.home / "workers" / "host-1").touch()
    found = metrics(client)
    labels = {name: {label for label, _ in pairs} for name, pairs in found}

    panels = json.loads(BOARD.read_text("utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]

    for expression in asked:
        [name] = re.findall(r"\b(?:hashlens|process)_\w+", expression)
        assert name in labels, expression
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        filtered = re.findall(r"(\w+)[!=]~?\"", expression)
        used = {label.strip() for group in grouped for label in group.split(",")} | {*filtered}
        assert used <= labels[name] | {"job"}, expression
    assert {panel["title"] for panel in panels} >= {"Searches per second", "Queue", "Memory"}
