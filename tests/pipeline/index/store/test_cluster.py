"""What a server says of itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qdrant_client import QdrantClient

from pipeline.index.store.cluster import Nodes, Server, Spread, version_problem
from tests.qdrant_stub import QdrantStub


@pytest.fixture
def stub() -> Iterator[QdrantStub]:
    with QdrantStub() as running:
        yield running


@pytest.fixture
def server(stub: QdrantStub) -> Iterator[Server]:
    client = QdrantClient(url=stub.url, check_compatibility=False)
    yield Server(client)
    client.close()


@pytest.mark.parametrize("knows_telemetry", [True, False])
@pytest.mark.parametrize(
    ("nodes", "expected", "words"),
    [
        ((), Nodes(1, 1), "1 node"),
        ((True, True, True), Nodes(3, 3), "3 of 3 nodes answer"),
        ((True, False, False), Nodes(1, 3), "1 of 3 nodes answers"),
    ],
)
def test_nodes_that_answer_are_counted(
    stub: QdrantStub,
    server: Server,
    nodes: tuple[bool, ...],
    expected: Nodes,
    words: str,
    knows_telemetry: bool,
) -> None:
    stub.nodes, stub.knows_telemetry = nodes, knows_telemetry

    assert server.nodes() == expected
    assert str(expected) == words


@pytest.mark.parametrize(
    ("nodes", "expected", "words"),
    [
        ((), Spread(1, 1, 1), "1 shard, 1 copy"),
        ((True, True, True), Spread(6, 2, 2), "6 shards, 2 copies"),
        ((True, True, False), Spread(6, 1, 2), "6 shards, 1 of 2 copies"),
    ],
)
def test_shards_and_usable_copies_are_counted(
    stub: QdrantStub,
    server: Server,
    nodes: tuple[bool, ...],
    expected: Spread,
    words: str,
) -> None:
    stub.nodes = nodes

    assert server.spread("any") == expected
    assert str(expected) == words


def test_a_server_that_is_gone_says_nothing(stub: QdrantStub, server: Server) -> None:
    stub.status = 503

    assert (server.version(), server.nodes(), server.spread("any")) == ("", None, None)


@pytest.mark.parametrize(
    ("version", "is_far"),
    [("1.20.3", False), ("1.19.2", False), ("1.18.2", True), ("2.20.0", True), ("dev", False)],
)
def test_versions_two_minors_apart_are_a_problem(
    version: str, is_far: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.index.store.cluster.version", lambda _: "1.20.0")

    assert bool(version_problem(version)) == is_far
