"""A stand-in for a Qdrant server on the loopback: real HTTP in front of the client's local mode.

Request bodies are checked with the client's own models, which forbid unknown fields. This proves
URLs, JSON, headers and error handling; what a real server makes of them it cannot prove.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import TypeAdapter, ValidationError
from qdrant_client import QdrantClient
from qdrant_client.http import models as m

NO_COPIES = (
    "Service internal error: The replica set for shard 1 on peer 155660223948008 does not have "
    "enough active replicas"
)
NO_MAJORITY = (
    "Service internal error: Waiting for consensus operation commit failed. "
    "Timeout set at: 10 seconds"
)
DONE = {"operation_id": 0, "status": "completed"}
Answer = Callable[[QdrantClient, str, Any], Any]


def _create(client: QdrantClient, name: str, body: Any) -> bool:
    kept = body.model_dump(exclude={"vectors"}, exclude_none=True)
    return client.create_collection(name, vectors_config=body.vectors, metadata=kept["metadata"])


def _query(client: QdrantClient, name: str, body: Any) -> Any:
    return client.query_points(
        name,
        query=body.query,
        using=body.using,
        prefetch=body.prefetch,
        query_filter=body.filter,
        with_vectors=body.with_vector,
        limit=body.limit,
        with_payload=body.with_payload,
        score_threshold=body.score_threshold,
    )


ROUTES: list[tuple[str, str, Any, Answer]] = [
    ("GET", r"/collections", None, lambda c, _, b: c.get_collections()),
    ("GET", r"/aliases", None, lambda c, _, b: c.get_aliases()),
    ("POST", r"/collections/aliases", m.ChangeAliasesOperation,
     lambda c, _, b: c.update_collection_aliases(b.actions)),
    ("GET", r"/collections/([^/]+)/exists", None,
     lambda c, n, b: {"exists": c.collection_exists(n)}),
    ("GET", r"/collections/([^/]+)", None, lambda c, n, b: c.get_collection(n)),
    ("PUT", r"/collections/([^/]+)", m.CreateCollection, _create),
    ("DELETE", r"/collections/([^/]+)", None, lambda c, n, b: c.delete_collection(n)),
    ("PUT", r"/collections/([^/]+)/index", m.CreateFieldIndex, lambda c, n, b: DONE),
    ("PUT", r"/collections/([^/]+)/points", m.PointsList, lambda c, n, b: c.upsert(n, b.points)),
    ("POST", r"/collections/([^/]+)/points", m.PointRequest, lambda c, n, b: c.retrieve(n, b.ids)),
    ("POST", r"/collections/([^/]+)/points/query", m.QueryRequest, _query),
    ("POST", r"/collections/([^/]+)/points/count", m.CountRequest,
     lambda c, n, b: c.count(n, count_filter=b.filter)),
]  # fmt: skip


class QdrantStub:
    """Runs the stand-in while the `with` block lasts.

    Attributes:
        url: where it listens.
        requests: (method, path, body) of every request so far.
        status: answered to everything instead of the truth, when set.
        error: what such an answer says.
        fails: how the paths end that it answers with an error of status 500; empty: none.
        version: that it says it has.
        nodes: for each node of the cluster whether it answers; empty: no cluster.
        delay_s: wait before each answer.
    """

    def __init__(self, api_key: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.status: int | None = None
        self.error = "injected"
        self.fails = ""
        self.version = "1.20.0"
        self.nodes: tuple[bool, ...] = ()
        self.knows_telemetry = True  # servers before 1.17 do not
        self.delay_s = 0.0
        self._api_key = api_key
        self._client = QdrantClient(":memory:")
        self._lock = threading.Lock()  # local mode is for one thread
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> QdrantStub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()  # slow answers have nobody left to wait for them
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def answer(self, method: str, path: str, key: str | None, body: Any) -> tuple[int, Any]:
        """Status and content for one request."""
        if self._closing.wait(self.delay_s):
            return 503, {"status": {"error": "closing"}}
        is_about_nodes = bool(self.nodes) and path.startswith(
            "/cluster"
        )  # those say it all the same
        if self.status is not None and not is_about_nodes:
            return self.status, {"status": {"error": self.error}}
        if self.fails and path.endswith(self.fails):
            return 500, {"status": {"error": self.error}}
        if path in ("/", "/readyz"):
            return 200, {"title": "qdrant", "version": self.version}
        if key != self._api_key:
            return 401, {"status": {"error": "Must provide an API key"}}
        if path.endswith(("/cluster", "/cluster/telemetry")):
            return self._cluster(path)
        for verb, pattern, model, action in ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                try:
                    checked = TypeAdapter(model).validate_python(body) if model else None
                    with self._lock:
                        result = action(self._client, (*found.groups(), "")[0], checked)
                except ValidationError as error:
                    return 422, {"status": {"error": str(error)}}
                except ValueError as error:
                    return _refusal(str(error))
                return 200, {"result": _plain(result), "status": "ok", "time": 0.0}
        return 404, "no such page"

    def _cluster(self, path: str) -> tuple[int, Any]:
        """What the first node says of the cluster, or of a collection of 6 shards in 2 copies."""
        uris = [f"http://qdrant-{number}:6335/" for number in range(len(self.nodes))]
        if path == "/cluster/telemetry":
            if not self.knows_telemetry:
                return 404, ""
            peers = {
                str(number): {"uri": uri, "responsive": self.nodes[number]}
                for number, uri in enumerate(uris)
            }
            cluster = {"enabled": bool(peers), "peers": peers}
            result: Any = {"collections": {}, "cluster": cluster}
        elif path == "/cluster":
            result = {"status": "disabled"} if not uris else {
                "status": "enabled",
                "peer_id": 0,
                "peers": {str(number): {"uri": uri} for number, uri in enumerate(uris)},
                "raft_info": {"term": 1, "commit": 9, "pending_operations": 0, "is_voter": True},
                "consensus_thread_status": {
                    "consensus_thread_status": "working", "last_update": "2026-01-31T14:05:09Z"
                },
                "message_send_failures": {
                    uri: {"count": 3}
                    for uri, answers in zip(uris, self.nodes, strict=True) if not answers
                },
            }  # fmt: skip
        else:
            result = _spread(self.nodes)
        return 200, {"result": result, "status": "ok", "time": 0.0}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                path = self.path.partition("?")[0]
                size = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                stub.requests.append((self.command, path, body))
                status, content = stub.answer(self.command, path, self.headers.get("api-key"), body)
                text = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                with suppress(ConnectionError, ssl.SSLError):  # the client may have lost patience
                    self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Keep the tests' output clean."""

        return Handler


def _spread(nodes: tuple[bool, ...]) -> dict[str, Any]:
    """A collection of 6 shards in 2 copies on neighbouring nodes; of 1 in 1 where there is 1."""
    here, there = [], []
    for shard in range(6 if nodes else 1):
        for place in {shard % max(1, len(nodes)), (shard + 1) % max(1, len(nodes))}:
            state = "Active" if not nodes or nodes[place] else "Dead"
            if place == 0:
                here.append({"shard_id": shard, "points_count": 10, "state": state})
            else:
                there.append({"shard_id": shard, "peer_id": place, "state": state})
    return {
        "peer_id": 0,
        "shard_count": len({one["shard_id"] for one in (*here, *there)}),
        "local_shards": here,
        "remote_shards": there,
        "shard_transfers": [],
    }


def _plain(value: Any) -> Any:
    return TypeAdapter(Any).dump_python(value, mode="json")


def _refusal(text: str) -> tuple[int, Any]:
    status = 404 if "not found" in text else 409 if "already exists" in text else 400
    wording = text.replace(" not found", " doesn't exist!")
    return status, {"status": {"error": wording}}
