"""The service over HTTP: answers of the app, keys, limits, errors that programs understand."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.cosine import cosine_of
from pipeline.index.ordering import Ordering, find_shortlist, sort_hits
from pipeline.index.search import exact_store, stored_query
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.serving import messages, routes, service
from pipeline.serving.app import api_app, check_host
from pipeline.serving.document import openapi
from pipeline.settings import Settings

KEY = "k" * 32
Post = Callable[..., Any]


@pytest.fixture
def client(library: Settings) -> TestClient:
    return TestClient(api_app(library), raise_server_exceptions=True)


@pytest.fixture
def run(library: Settings) -> Run:
    return RunRegistry(library).all()[0]


def test_a_stored_image_finds_what_the_app_finds(client, library, shapes, run):
    name = str(shapes.manifest["image_id"].iloc[3])

    found = client.post("/api/v1/search", json={"run": "itq_shapes", "id": name, "k": 12}).json()

    store, alias = exact_store(run, shapes)
    cosine = cosine_of(run, shapes, library, run.load_backbone)
    order = Ordering(cosine.values(cosine.of_row(3)))
    hits = find_shortlist(store, alias, stored_query(run, 3).code, order, limit=13).result.hits
    others = [hit for hit in hits if hit.payload["row"] != 3]
    expected = [others[place] for place in sort_hits(others, order).places[:12]]
    names = shapes.manifest["image_id"]
    assert [(h["id"], h["distance"]) for h in found["hits"]] == [
        (names.iloc[hit.payload["row"]], hit.distance) for hit in expected
    ]
    assert (found["order"], found["bits"], found["run"]) == ("within", 16, run.id)
    assert "has no index" in found["notes"][0]  # of this library; the code file answers
    assert found["hits"][0]["labels"] == expected[0].payload["labels"]


def test_an_image_a_vector_and_a_code_are_encoded_as_the_run_did(client, library, shapes, run):
    row = 5
    code = stored_query(run, row).code.packed.tobytes().hex()
    content = shapes.image_path(row).read_bytes()
    cosine = cosine_of(run, shapes, library, run.load_backbone)
    vector = cosine.of_row(row).tolist()

    def encoded(**query: Any) -> str:
        return client.post("/api/v1/encode", json={"run": run.id, **query}).json()["code"]

    assert encoded(image=base64.b64encode(content).decode()) == code
    assert encoded(vector=vector) == code
    assert encoded(code=code) == code
    assert encoded(id=str(shapes.manifest["image_id"].iloc[row])) == code
    sent = client.post(
        "/api/v1/search",
        content=content,
        headers={"content-type": "image/png"},
        params={"run": run.id, "k": "3", "labels": ["dots", "cross"], "order": "codes"},
    ).json()
    assert sent["code"] == code
    assert len(sent["hits"]) == 3
    assert {hit["labels"][0] for hit in sent["hits"]} <= {"dots", "cross"}
    assert sent["order"] == "codes"


def test_filters_and_cut_ties_are_told(client, run):
    def search(**more: Any) -> Any:
        query = {"run": run.id, "code": "0000", **more}
        return client.post("/api/v1/search", json=query).json()

    everything = search(k=40)
    assert (len(everything["hits"]), everything["is_cut"]) == (40, False)
    distances = [hit["distance"] for hit in everything["hits"]]
    k = next(k for k in range(1, 40) if distances[k] == distances[k - 1])
    assert search(k=k)["is_cut"]
    near = search(k=40, max_distance=distances[10])["hits"]
    assert max(hit["distance"] for hit in near) <= distances[10]
    assert {hit["split"] for hit in search(k=40, split="query")["hits"]} == {"query"}
    assert [hit["id"] for hit in search(contains="dots 004")["hits"]] == ["dots/004.jpg"]
    assert "a code has no features" in search()["notes"][-1]


def test_data_sets_and_runs_are_listed(client, run):
    [facts] = client.get("/api/v1/datasets").json()["datasets"]
    assert (facts["name"], facts["images"], facts["label_sets"]) == ("shapes", 40, ["class"])
    [listed] = client.get("/api/v1/runs", params={"dataset": "shapes"}).json()["runs"]
    assert (listed["id"], listed["state"], listed["bits"]) == (run.id, "done", 16)
    assert listed["map"] == pytest.approx(run.report().map)
    assert client.get("/api/v1/runs", params={"dataset": "other"}).json() == {"runs": []}


@pytest.mark.parametrize(
    ("body", "status", "code", "field", "message"),
    [
        ({"run": "nothing", "code": "0000"}, 404, "not_found", "run", "unknown run"),
        ({"run": "itq", "id": "nothing"}, 404, "not_found", "id", "image of shapes"),
        ({"run": "itq"}, 422, "bad_request", "", "got none of them"),
        ({"run": "itq", "id": "a", "code": "00"}, 422, "bad_request", "", "got id, code"),
        ({"run": "itq", "code": "000"}, 422, "bad_request", "code", "pattern"),
        ({"run": "itq", "code": "00"}, 422, "bad_request", "code", "16-bit codes need"),
        ({"run": "itq", "code": "0000", "k": 0}, 422, "bad_request", "k", "greater than"),
        ({"run": "itq", "code": "0000", "x": 0}, 422, "bad_request", "x", "not permitted"),
        ({"run": "x" * 300, "code": "0000"}, 422, "bad_request", "run", "at most 200"),
        ({"run": "../shapes", "code": "0000"}, 404, "not_found", "run", "unknown run"),
        ({"run": "itq", "code": "0000", "labels": ["dot"]}, 422, "bad_request", "", "'dots'?"),
        ({"run": "itq", "code": "0000", "split": "test"}, 422, "bad_request", "", "database"),
        ({"run": "itq", "vector": [1.0]}, 422, "bad_request", "vector", "64-d features"),
        ({"run": "itq", "vector": [1e400] * 64}, 422, "bad_request", "vector", "finite"),
        ({"run": "itq", "image": "AAAA"}, 422, "bad_request", "image", "is not a JPEG"),
        ({"run": "itq", "image": "?"}, 422, "bad_request", "image", "no base64"),
        ({"run": "itq", "text": "cat"}, 409, "cannot_answer", "", "no text tower"),
    ],
)
def test_what_cannot_be_answered_says_why(client, body, status, code, field, message):
    import json

    answer = client.post(
        "/api/v1/search",
        content=json.dumps(body).replace("Infinity", "1e400"),
        headers={"content-type": "application/json"},
    )

    found = messages.Problem.model_validate(answer.json())
    assert (answer.status_code, found.code, found.field) == (status, code, field)
    assert message in found.error


def test_requests_have_limits(client, monkeypatch):
    monkeypatch.setattr(routes, "MOST_BYTES", 100)
    headers = {"content-type": "application/json"}

    declared = client.post("/api/v1/search", content=b"x" * 101, headers=headers)
    streamed = client.post("/api/v1/search", content=iter([b"x" * 60] * 2), headers=headers)

    for answer in (declared, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    plain = client.post("/api/v1/search", content=b"x", headers={"content-type": "text/plain"})
    assert (plain.status_code, "got text/plain" in plain.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/api/v1/search", 405, "method_not_allowed", "send POST; got GET"),
        ("DELETE", "/api/v1/runs", 405, "method_not_allowed", "got DELETE"),
        ("GET", "/api/v1/nothing", 404, "not_found", "no route /api/v1/nothing"),
        ("GET", "/api/v1", 404, "not_found", "see /api/v1/openapi.json"),
    ],
)
def test_what_leads_to_no_route_is_answered_in_json(client, method, path, status, code, message):
    answer = client.request(method, path)

    found = messages.Problem.model_validate(answer.json())
    assert (answer.status_code, found.code) == (status, code)
    assert message in found.error


def test_a_fault_is_answered_in_json(library, monkeypatch):
    def fail(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(service.Service, "runs", fail)
    answer = TestClient(api_app(library), raise_server_exceptions=False).get("/api/v1/runs")

    assert (answer.status_code, answer.json()["code"]) == (500, "fault")
    assert "secret" not in answer.text


def test_who_comes_too_late_for_a_turn_may_try_again(library, shapes, run, monkeypatch):
    monkeypatch.setattr(service, "_WAITING_S", 0.01)
    busy = service.Service(library, lambda: exact_store(run, shapes)[0], at_once=1)
    client = TestClient(Starlette(routes=[routes.api_routes(busy, lambda _: None)]))
    content = shapes.image_path(0).read_bytes()
    with busy._turn():
        answer = client.post(
            "/api/v1/encode",
            content=content,
            headers={"content-type": "image/png"},
            params={"run": run.id},
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "2"


def test_only_what_is_encoded_counts_against_its_limit(library, shapes, run):
    asked: list[object] = []

    def wait(request: object) -> float:
        asked.append(request)
        return 0.0 if len(asked) == 1 else 7.2

    answers = service.Service(library, lambda: exact_store(run, shapes)[0])
    app = Starlette(routes=[routes.api_routes(answers, lambda _: None, wait)])
    client, name = TestClient(app), str(shapes.manifest["image_id"].iloc[0])
    stored = [client.post("/api/v1/search", json={"run": run.id, "id": name}) for _ in range(3)]
    image = base64.b64encode(shapes.image_path(0).read_bytes()).decode()
    first, second = (
        client.post(f"/api/v1/{path}", json={"run": run.id, "image": image})
        for path in ("search", "encode")
    )

    assert [answer.status_code for answer in stored] == [200] * 3
    assert (first.status_code, len(asked)) == (200, 2)
    assert (second.status_code, second.json()["code"]) == (429, "too_many")
    assert second.headers["retry-after"] == "7"


def test_keys_are_asked_for_where_there_are_some(library):
    settings = library.model_copy(update={"api_keys": f"viewer:{KEY}, operator:{KEY[::-1]}x"})
    client = TestClient(api_app(settings))

    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": KEY[:-1]}):
        answer = client.get("/api/v1/datasets", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert client.get("/api/v1/datasets", headers={"X-API-Key": KEY}).status_code == 200
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert client.get("/api/v1/openapi.json", headers=bearer).status_code == 200
    assert KEY not in repr(settings)


def test_others_are_let_in_with_keys_alone(library):
    for host in ("127.0.0.1", "localhost", "::1"):
        check_host(host, library)
    for host in ("0.0.0.0", "192.168.0.3", "example.org"):
        with pytest.raises(ValueError, match=f"would listen on {host} for everyone"):
            check_host(host, library)
    check_host("0.0.0.0", library.model_copy(update={"api_keys": f"viewer:{KEY}"}))


def test_the_document_describes_every_route_and_message(library):
    document = openapi("/api/v1")

    described = {
        (path, method.upper()) for path, one in document["paths"].items() for method in one
    }
    api = next(one for one in api_app(library).routes if one.path == "/api/v1")
    served = {
        (f"{api.path}{route.path}", next(iter(route.methods - {"HEAD"})))
        for route in api.routes
        if route.path != "/openapi.json"
    }
    assert described == served
    schemas = document["components"]["schemas"]
    assert {"Search", "Found", "Hit", "Problem", "Runs", "Datasets", "Query"} <= set(schemas)
    assert schemas["Query"]["properties"]["image"]["anyOf"][0]["type"] == "string"


def test_a_data_set_with_other_content_is_no_silent_answer(
    own_library: Settings, done_run: Run, shapes: RetrievalDataset
):
    done_run.update(dataset_fingerprint="other")
    client = TestClient(api_app(own_library))

    answer = client.post("/api/v1/search", json={"run": done_run.id, "code": "0000"})

    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_answer")
    assert "made from other content" in answer.json()["error"]
    assert np.isfinite(len(shapes))
