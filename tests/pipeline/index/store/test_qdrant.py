"""QdrantCodeStore: what it asks of Qdrant, and what it makes of Qdrant's failures."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from qdrant_client import QdrantClient, models

from pipeline.index.store import qdrant_search
from pipeline.index.store.base import (
    CollectionMismatch,
    CollectionMissing,
    StoreError,
    StoreRefused,
    StoreUnavailable,
)
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store
from pipeline.index.store.qdrant import Layout, QdrantCodeStore
from pipeline.index.store.qdrant_errors import address_of
from tests.contracts import store_contract
from tests.contracts.store_contract import (
    collapsed_codes,
    filled,
    filled_with_features,
    ids_of,
    payloads_of,
    random_codes,
    random_features,
)
from tests.qdrant_grpc_stub import GrpcStub
from tests.qdrant_stub import NO_COPIES, NO_MAJORITY, QdrantStub


@pytest.fixture
def stub() -> Iterator[QdrantStub]:
    with QdrantStub() as running:
        yield running


def store_on(stub: QdrantStub, api_key: str | None = None, **options: object) -> QdrantCodeStore:
    client = open_store(stub.url, api_key=api_key, check_compatibility=False)._client
    return QdrantCodeStore(client, address=address_of(stub.url), **options)  # type: ignore[arg-type]


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bodies(stub: QdrantStub, method: str, ending: str) -> list[dict]:
    return [body for verb, path, body in stub.requests if verb == method and path.endswith(ending)]


def test_a_collection_is_exact_cold_and_without_a_graph(stub: QdrantStub) -> None:
    store_on(stub).create("c-v1", 48, {"model": "itq"})

    body = bodies(stub, "PUT", "/collections/c-v1")[0]
    assert body["vectors"] == {
        "size": 48, "distance": "Dot", "datatype": "float16", "on_disk": True
    }  # fmt: skip
    assert body["quantization_config"] == {"binary": {"always_ram": True}}
    assert body["hnsw_config"] == {"m": 0, "payload_m": 0}
    assert body["metadata"] == {"model": "itq", "bits": 48, "codec": "pm1-dot"}
    assert "shard_number" not in body


def test_a_layout_reaches_the_server(stub: QdrantStub) -> None:
    store_on(stub, layout=Layout(6, 2, 1)).create("c-v1", 16, {})

    body = bodies(stub, "PUT", "/collections/c-v1")[0]
    assert (body["shard_number"], body["replication_factor"]) == (6, 2)
    assert body["write_consistency_factor"] == 1


def test_indexes_are_there_before_the_first_upload_in_batches_that_wait(stub: QdrantStub) -> None:
    filled(store_on(stub), random_codes(600, 16))

    indexes = bodies(stub, "PUT", "/index")
    assert [(b["field_name"], b["field_schema"]) for b in indexes] == [
        ("labels", "keyword"),
        ("split", "keyword"),
        ("words", "keyword"),
    ]
    uploads = bodies(stub, "PUT", "/points")
    assert [len(body["points"]) for body in uploads] == [256, 256, 88]
    paths = [path for _, path, _ in stub.requests]
    assert max(i for i, path in enumerate(paths) if path.endswith("/index")) < min(
        i for i, path in enumerate(paths) if path.endswith("/points")
    )


def test_a_radius_asks_for_scores_above_k_minus_2r_minus_1_without_rescoring(
    stub: QdrantStub,
) -> None:
    store = filled(store_on(stub), random_codes(20, 16))

    store.radius("contract-v1", random_codes(1, 16), 3)

    body = bodies(stub, "POST", "/query")[0]
    assert body["score_threshold"] == 16 - 2 * 3 - 1
    assert body["params"] == {"quantization": {"rescore": False}}


def test_features_lie_on_the_disk_uncompressed_beside_the_codes(stub: QdrantStub) -> None:
    codes, features = random_codes(20, 16), random_features(20)
    filled_with_features(store_on(stub), codes, "int8", features)

    body = bodies(stub, "PUT", "/collections/contract-v1")[0]
    assert body["vectors"]["features"] == {
        "size": 24, "distance": "Euclid", "datatype": "uint8", "on_disk": True
    }  # fmt: skip
    assert body["vectors"][""]["quantization_config"] == {"binary": {"always_ram": True}}
    assert "quantization_config" not in body


def test_rescoring_is_one_query(stub: QdrantStub) -> None:
    codes, features = random_codes(20, 16), random_features(20)
    store = filled_with_features(store_on(stub), codes, "float16", features)

    store.rescored("contract-v1", codes[:1], features[0], 3, r=7)

    (body,) = bodies(stub, "POST", "/query")
    assert (body["using"], body["with_vector"]) == ("features", [""])
    assert body["prefetch"]["score_threshold"] == 16 - 2 * 7 - 1
    assert body["prefetch"]["params"] == {"quantization": {"rescore": False}}


def test_publishing_is_one_request(stub: QdrantStub) -> None:
    store = filled(store_on(stub), random_codes(3, 16))

    store.publish("contract", "contract-v1")

    (body,) = bodies(stub, "POST", "/collections/aliases")
    assert [next(iter(action)) for action in body["actions"]] == ["delete_alias", "create_alias"]


def test_a_tie_too_large_to_look_through_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 items at distance 0; 5 + 50 are looked at."""
    codes = collapsed_codes(400, 16, n_codewords=1)
    store = filled(open_store(":memory:"), codes)
    assert not store.search("contract-v1", codes[:1], 5).tie_cut

    monkeypatch.setattr(qdrant_search, "TIE_LIMIT", 50)

    result = store.search("contract-v1", codes[:1], 5)
    assert result.tie_cut
    assert [hit.distance for hit in result.hits] == [0] * 5
    assert result.hits == tuple(sorted(result.hits, key=lambda hit: hit.id))
    assert all(hit.payload for hit in result.hits)


class ShrinkingClient:
    """Loses every payload between two requests, as if another collection had been published."""

    def __init__(self, client: QdrantClient, n_losses: int) -> None:
        self._client, self._n_losses = client, n_losses

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)

    def retrieve(self, *args: object, **options: object) -> list[models.Record]:
        self._n_losses -= 1
        return [] if self._n_losses >= 0 else self._client.retrieve(*args, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_losses", "succeeds"), [(2, True), (3, False)])
def test_a_search_is_repeated_when_the_collection_changes_under_it(
    n_losses: int, succeeds: bool
) -> None:
    codes = collapsed_codes(400, 16, n_codewords=1)
    client = ShrinkingClient(QdrantClient(":memory:"), n_losses)
    store = filled(QdrantCodeStore(client, local_mode=True), codes)  # type: ignore[arg-type]

    if succeeds:
        assert len(store.search("contract-v1", codes[:1], 5).hits) == 5
    else:
        with pytest.raises(StoreError, match="changes during every search"):
            store.search("contract-v1", codes[:1], 5)


def test_a_server_that_fails_is_named_with_a_remedy(stub: QdrantStub) -> None:
    store = filled(store_on(stub), random_codes(3, 16))
    stub.status = 500

    for call in (
        lambda: store.search("contract-v1", random_codes(1, 16), 1),
        lambda: store.add("contract-v1", ids_of(1), random_codes(1, 16), payloads_of(1)),
        store.collections,
    ):
        with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1.*answers with an error \(500"):
            call()


@pytest.mark.parametrize("knows_telemetry", [True, False])
@pytest.mark.parametrize(
    ("said", "told"),
    [
        (NO_COPIES, r"answers, but every copy .* 1 of 3 nodes answers; .* QDRANT_REPLICAS=2"),
        (NO_MAJORITY, r"answers, but too few nodes .* no index can be changed: 1 of 3 nodes"),
    ],
)
def test_a_cluster_that_lacks_nodes_is_told_from_a_server_that_is_gone(
    stub: QdrantStub, said: str, told: str, knows_telemetry: bool
) -> None:
    stub.status, stub.error, stub.nodes = 500, said, (True, False, False)
    stub.knows_telemetry = knows_telemetry

    with pytest.raises(StoreUnavailable, match=told) as caught:
        store_on(stub).count("contract-v1")

    assert said in str(caught.value)
    assert "check that it runs" not in str(caught.value)
    assert caught.value.summary == "Server lacks nodes"


def test_a_cluster_that_lacks_nodes_is_told_over_grpc_too() -> None:
    with GrpcStub() as stub, QdrantStub() as rest:
        rest.nodes = (True, True, False)
        stub.error = NO_COPIES
        store = open_store(
            rest.url, prefer_grpc=True, grpc_port=stub.port, check_compatibility=False
        )

        with pytest.raises(StoreUnavailable, match=r"every copy .* 2 of 3 nodes answer;"):
            store.collections()

        store.close()


def test_a_page_that_is_no_qdrant_is_no_missing_collection(stub: QdrantStub) -> None:
    store = store_on(stub)
    stub.status = 404

    with pytest.raises(StoreUnavailable, match="404"):
        store.count("contract-v1")


def test_a_slow_server_times_out(stub: QdrantStub) -> None:
    store = open_store(stub.url, timeout_s=1, check_compatibility=False)
    stub.delay_s = 1.3

    with pytest.raises(StoreUnavailable, match="timed out"):
        store.collections()


def test_a_wrong_key_is_refused_at_once_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with QdrantStub(api_key="right-key") as stub:
        filled(store_on(stub, "right-key"), random_codes(3, 16))
        store = store_on(stub, "wrong-key")

        with pytest.raises(StoreRefused, match="QDRANT_API_KEY") as caught:
            store.count("contract-v1")

    assert "-key" not in str(caught.value)
    assert "right-key" not in caplog.text


@pytest.mark.parametrize("prefer_grpc", [False, True])
def test_nobody_listening_is_unavailable(prefer_grpc: bool) -> None:
    url = f"http://someone:secret@127.0.0.1:{closed_port()}"
    client = QdrantClient(
        url=url,
        grpc_port=closed_port(),
        prefer_grpc=prefer_grpc,
        timeout=2,
        check_compatibility=False,
    )
    store = QdrantCodeStore(client, address=address_of(url))

    with pytest.raises(StoreUnavailable, match=r"http://127\.0\.0\.1:\d+") as caught:
        store.count("contract-v1")

    assert "secret" not in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:pass@qdrant:6333", "http://qdrant:6333"),
        ("https://x.example.org/base?api-key=1", "https://x.example.org/base"),
        ("localhost:6333", "http://localhost:6333"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str) -> None:
    assert address_of(url) == shown


def test_a_foreign_collection_is_recognised() -> None:
    client = QdrantClient(":memory:")
    vectors = models.VectorParams(size=16, distance=models.Distance.COSINE)
    client.create_collection("photos", vectors_config=vectors)
    store = QdrantCodeStore(client, local_mode=True)

    with pytest.raises(CollectionMismatch, match="codec=None, not 'pm1-dot'"):
        store.info("photos")


def test_scores_that_are_no_distance_are_refused() -> None:
    client = SimpleNamespace(
        query_points=lambda *_, **__: SimpleNamespace(
            points=[SimpleNamespace(id=ids_of(1)[0], score=2.5, payload={})]
        )
    )
    store = QdrantCodeStore(client)  # type: ignore[arg-type]

    with pytest.raises(CollectionMismatch, match=r"a score of 2\.5"):
        store.search("contract-v1", random_codes(1, 16), 1)


def test_local_mode_serves_a_reader_beside_a_writer() -> None:
    codes = random_codes(2000, 16)
    store = filled(open_store(":memory:"), codes[:10])
    errors: list[BaseException] = []

    def write() -> None:
        try:
            store.add("contract-v1", ids_of(2000), codes, payloads_of(2000))
        except BaseException as error:  # shown by the assertion below
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        assert len(store.search("contract-v1", codes[:1], 5).hits) == 5
    writer.join()

    assert not errors
    assert store.count("contract-v1") == 2000


# The client itself forgets to close its lock file when another holds the lock.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_the_engine_the_index_is_kept_by_local_mode(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codes = random_codes(20, 16)
    oracle = filled(MemoryCodeStore(), codes)
    with caplog.at_level(logging.WARNING):
        store = filled(open_store(None, tmp_path, embedded_engine=False), codes)
    assert "qdrant-edge is not installed" in caplog.text
    with pytest.raises(StoreUnavailable, match="open in another process"):
        open_store(None, tmp_path, embedded_engine=False)
    store.close()

    reopened = open_store(None, tmp_path, embedded_engine=False)

    assert reopened.info("contract-v1") == oracle.info("contract-v1")
    found = reopened.search("contract-v1", codes[:1], 30)
    assert found == oracle.search("contract-v1", codes[:1], 30)
    reopened.close()


def test_a_store_needs_a_place() -> None:
    with pytest.raises(ValueError, match="url or a folder"):
        open_store(None)


def test_the_contract_checks_what_the_server_would_refuse(stub: QdrantStub) -> None:
    """The stand-in knows every request the store makes, and no unknown field passes."""
    store_contract.publishing_switches_and_rolls_back(store_on(stub))
    status, _ = stub.answer("PUT", "/collections/x", None, {"vectors": {}, "nonsense": 1})

    assert status == 422
    with pytest.raises(CollectionMissing):
        store_on(stub).count("nothing")
