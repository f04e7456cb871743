"""Patience with a server that goes away in the middle of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipeline.index.store import patience
from pipeline.index.store.base import CodeStore, CollectionExists, StoreUnavailable
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store
from pipeline.index.store.patience import patient
from tests.contracts.store_contract import ids_of, payloads_of, random_codes
from tests.qdrant_stub import QdrantStub


class Clock:
    """Time that passes by sleeping alone, and what happens at some moment of it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.at: tuple[float, Callable[[], None]] | None = None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.at is not None and self.now >= self.at[0]:
            self.at[1]()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    return made


@pytest.fixture
def stub() -> Iterator[QdrantStub]:
    with QdrantStub() as running:
        yield running


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def store(stub: QdrantStub, told: list[str]) -> Iterator[CodeStore]:
    """Of a server that has answered, with 3 of the codes that are to come."""
    opened = open_store(stub.url, check_compatibility=False)
    waiting = patient(opened, 60, told.append)
    waiting.create("contract-v1", 16, {"created": "now"})
    waiting.add("contract-v1", ids_of(3), random_codes(3, 16), payloads_of(3))
    yield waiting
    waiting.close()


def away(stub: QdrantStub, clock: Clock, seconds: float) -> None:
    """The server answers 503 for so long."""
    stub.status = 503
    clock.at = (clock.now + seconds, lambda: setattr(stub, "status", None))


def test_an_upload_goes_on_when_the_server_is_back(
    stub: QdrantStub, store: CodeStore, clock: Clock, told: list[str]
) -> None:
    away(stub, clock, 40)

    store.add("contract-v1", ids_of(5), random_codes(5, 16), payloads_of(5))

    assert store.count("contract-v1") == 5
    assert len(told) == 2
    assert "answers with an error (503" in told[0]
    assert told[0].endswith("; waiting up to 60 s for it")
    assert told[1] == "the Qdrant server answers again after 44 s"


def test_it_gives_up_after_the_time_that_is_set(
    stub: QdrantStub, store: CodeStore, clock: Clock, told: list[str]
) -> None:
    away(stub, clock, 1000)
    began = clock.now

    with pytest.raises(StoreUnavailable, match=r"503.*waited 60 s for it \(QDRANT_WAIT_S\)"):
        store.count("contract-v1")

    assert clock.now - began == 60
    assert len(told) == 1


def test_a_server_that_never_answered_is_told_at_once(stub: QdrantStub, clock: Clock) -> None:
    store = patient(open_store(stub.url, check_compatibility=False), 60)
    stub.status = 503

    with pytest.raises(StoreUnavailable, match="503"):
        store.collections()

    assert clock.now == 100


@pytest.mark.parametrize("is_done", [True, False])
def test_what_a_lost_answer_was_about_may_be_done_already(
    stub: QdrantStub, store: CodeStore, clock: Clock, is_done: bool
) -> None:
    """The server carries a request out, and goes before it has said so."""
    lose_one_answer(stub, is_done)
    store.create("contract-v2", 16, {"created": "later"})
    assert store.info("contract-v2").created == "later"

    lose_one_answer(stub, is_done)
    store.drop("contract-v1")
    assert store.collections() == ["contract-v2"]


def lose_one_answer(stub: QdrantStub, is_done: bool) -> None:
    usual = type(stub).answer

    def lost(method: str, path: str, *more: object) -> tuple[int, object]:
        if method in ("PUT", "DELETE"):
            del stub.answer  # type: ignore[method-assign]
            if is_done:
                usual(stub, method, path, *more)  # type: ignore[arg-type]
            return 503, {"status": {"error": "gone"}}
        return usual(stub, method, path, *more)  # type: ignore[arg-type]

    stub.answer = lost  # type: ignore[method-assign, assignment]


def test_a_name_that_another_collection_has_is_left_to_it(
    stub: QdrantStub, store: CodeStore, clock: Clock
) -> None:
    away(stub, clock, 3)

    with pytest.raises(CollectionExists):
        store.create("contract-v1", 16, {"created": "later"})

    assert store.count("contract-v1") == 3


def test_an_embedded_store_has_nothing_to_wait_for(store: CodeStore) -> None:
    embedded = MemoryCodeStore()

    assert patient(embedded, 60) is embedded
    assert patient(store, 0) is store
