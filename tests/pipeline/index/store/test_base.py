"""One contract for every CodeStore on every engine, and on a server when QDRANT_URL names one."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from pipeline.index.store.base import CodeStore, CollectionMissing, StoreRefused
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store, store_of
from pipeline.index.store.qdrant import QdrantCodeStore
from pipeline.settings import Settings
from tests.contracts import store_contract
from tests.qdrant_grpc_stub import GrpcStub
from tests.qdrant_stub import QdrantStub

BACKENDS = ("numpy", "local mode", "embedded", "http", "grpc", "server")
USED_NAMES = ("contract-v1", "contract-v2", "contract-empty", "contract-plain")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CodeStore]:
    """An empty store of each kind."""
    if request.param == "http":
        with QdrantStub() as stub:
            yield from closing(open_store(stub.url, check_compatibility=False))
    elif request.param == "grpc":
        with GrpcStub("secret") as stub:
            yield from closing(store_over_grpc(stub, "secret"))
    elif request.param == "server":
        yield from live_server()
    else:
        stores: dict[str, Callable[[], CodeStore]] = {
            "numpy": MemoryCodeStore,
            "local mode": lambda: open_store(":memory:"),
            "embedded": lambda: open_store(None, tmp_path),
        }
        yield from closing(stores[request.param]())


def store_over_grpc(stub: GrpcStub, key: str) -> CodeStore:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
        client = QdrantClient(
            url="http://127.0.0.1:1",  # nobody listens there: everything must go to the other port
            grpc_port=stub.port,
            prefer_grpc=True,
            api_key=key,
            check_compatibility=False,
            timeout=10,
        )
    return QdrantCodeStore(client, address="the gRPC stand-in")


def live_server() -> Iterator[CodeStore]:
    if not os.environ.get("QDRANT_URL"):
        pytest.skip("set QDRANT_URL to a Qdrant server to run the contract on it")
    with contextlib.closing(store_of(Settings.from_environment())) as store:
        yield emptied(store)
        emptied(store)


def emptied(store: CodeStore) -> CodeStore:
    """The server without the collections of these tests; others on it are left alone."""
    for name in USED_NAMES:
        with suppress(CollectionMissing):
            store.drop(name)
    return store


def closing(store: CodeStore) -> Iterator[CodeStore]:
    yield store
    store.close()


@pytest.mark.parametrize("check", store_contract.CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[[CodeStore], None], store: CodeStore) -> None:
    check(store)


@pytest.mark.parametrize("type_", ["float16", "int8"])
@pytest.mark.parametrize("check", store_contract.FEATURE_CHECKS, ids=lambda check: check.__name__)
def test_contract_of_features(
    check: Callable[[CodeStore, str], None], type_: str, store: CodeStore
) -> None:
    check(store, type_)


@pytest.mark.parametrize("bits", store_contract.EXACT_BITS)
def test_searches_equal_brute_force_and_the_oracle(store: CodeStore, bits: int) -> None:
    store_contract.searches_equal_brute_force_and_the_oracle(store, bits)


def test_the_key_travels_with_every_grpc_call_and_a_wrong_one_is_refused() -> None:
    with GrpcStub("secret") as stub:
        store = store_over_grpc(stub, "wrong")

        with pytest.raises(StoreRefused, match="refuses the API key"):
            store.collections()

        store.close()
    assert stub.calls == [("List", "wrong")]
