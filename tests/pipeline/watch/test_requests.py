"""Requests: an id for each, counted by route and status, told to the log without secrets."""

from __future__ import annotations

import logging
import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from pipeline.logs import JsonLines, note
from pipeline.watch.measures import REGISTRY
from pipeline.watch.requests import Watched, route_of

PATH = "/api/import/secret-token/a.zip"


def store(request: Request) -> Response:
    note(run="a run")
    return PlainTextResponse("stored")


def fail(request: Request) -> Response:
    raise RuntimeError("no")


@pytest.fixture
def client() -> TestClient:
    routes = [Route(PATH, store, methods=["PUT"]), Route("/thumbs/x", fail)]
    app = Starlette(routes=routes, middleware=[Middleware(Watched)])
    return TestClient(app, raise_server_exceptions=False)


def count(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("hashlens_requests_total", labels) or 0


def test_each_request_has_an_id_of_its_own(client: TestClient) -> None:
    first, second = (client.put(PATH).headers["X-Request-Id"] for _ in range(2))

    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("trace-1.a_B", True), ("a" * 64, True), ("a" * 65, False), ("a b", False), ('"}', False)],
)
def test_a_well_formed_id_of_the_client_is_taken_over(
    client: TestClient, given: str, is_taken: bool
) -> None:
    answered = client.put(PATH, headers={"X-Request-Id": given})

    assert (answered.headers["X-Request-Id"] == given) == is_taken


def test_a_line_names_route_id_and_run_and_no_token(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLines())
    with caplog.at_level(logging.INFO, "pipeline.watch"):
        client.put(f"{PATH}?key=secret-key", headers={"X-Request-Id": "mine"})

    [written] = caplog.text.splitlines()
    assert '"request": "mine", "run": "a run"' in written
    assert "PUT /api/import: 200 in " in written
    assert "secret" not in written


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    before = count("PUT", "/api/import", "200"), count("GET", "/thumbs", "500")

    client.put(PATH)
    client.get("/thumbs/x")
    client.request("INVENT", "/nothing")

    assert count("PUT", "/api/import", "200") == before[0] + 1
    assert count("GET", "/thumbs", "500") == before[1] + 1
    assert count("other", "other", "404") >= 1


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/search", "/api/v1/search"),
        ("/api/v1/searches", "other"),
        ("/thumbs/pets/0.webp", "/thumbs"),
        ("/metrics", "/metrics"),
        ("/", "other"),
    ],
)
def test_paths_are_counted_by_one_of_a_few_routes(path: str, route: str) -> None:
    assert route_of(path) == route
