"""Snapshots come from a server whole, and leave nothing there."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.index.store.base import StoreError
from pipeline.index.store.snapshots import save_snapshot
from pipeline.settings import Settings

CONTENT = b"snapshot" * 1000


class Server(ThreadingHTTPServer):
    """A stand-in for a server that makes snapshots of one collection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, str | None]] = []
        self.content, self.status = CONTENT, 200


class Handler(BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        path = self.path.split("?")[0]
        self.server.requests.append((self.command, path, self.headers.get("api-key")))
        if self.command == "GET" and "/snapshots/" in path:
            body = self.server.content
        elif path == "/":
            body = json.dumps({"title": "qdrant", "version": "1.20.0"}).encode()
        else:
            digest = hashlib.sha256(CONTENT).hexdigest()
            made = {"name": "one.snapshot", "size": len(CONTENT), "checksum": digest}
            result = made if self.command == "POST" else True
            body = json.dumps({"result": result, "status": "ok", "time": 0}).encode()
        self.send_response(200 if path == "/" else self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - their names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def settings_for(server: Server) -> Settings:
    return Settings(qdrant_url=f"http://127.0.0.1:{server.server_port}", qdrant_api_key="secret")


def test_a_snapshot_is_taken_from_the_server_and_deleted_there(server, tmp_path):
    save_snapshot("shapes", tmp_path / "a.snapshot", settings_for(server))

    assert (tmp_path / "a.snapshot").read_bytes() == CONTENT
    asked = [request for request in server.requests if "/snapshots" in request[1]]
    assert asked == [
        ("POST", "/collections/shapes/snapshots", "secret"),
        ("GET", "/collections/shapes/snapshots/one.snapshot", "secret"),
        ("DELETE", "/collections/shapes/snapshots/one.snapshot", "secret"),
    ]


def test_a_snapshot_that_did_not_come_whole_is_not_kept(server, tmp_path):
    server.content = CONTENT[:-1]

    with pytest.raises(StoreError, match="did not come whole"):
        save_snapshot("shapes", tmp_path / "a.snapshot", settings_for(server))

    assert not list(tmp_path.iterdir())
    assert server.requests[-1][0] == "DELETE"


def test_without_a_server_there_is_none(tmp_path):
    with pytest.raises(StoreError, match="the embedded index makes no snapshots; set QDRANT_URL"):
        save_snapshot("shapes", tmp_path / "a.snapshot", Settings(home=tmp_path))


def test_a_server_that_refuses_is_named(server, tmp_path):
    server.status = 403

    with pytest.raises(StoreError, match=r"127\.0\.0\.1"):
        save_snapshot("shapes", tmp_path / "a.snapshot", settings_for(server))
