"""Float vectors in the engine: scores against numpy, compression, nothing left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from qdrant_client import QdrantClient

from pipeline.index.store.base import StoreError
from pipeline.index.store.edge_client import EdgeClient
from pipeline.index.store.quantizers import QUANTIZERS
from pipeline.index.store.vectors import VectorCollection, vector_client, vector_collection
from pipeline.settings import Settings

BY_NAME = {quantizer.name: quantizer.config for quantizer in QUANTIZERS}


@pytest.fixture
def client(settings: Settings) -> Iterator[QdrantClient | EdgeClient]:
    with vector_client(settings) as client:
        yield client


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((300, 64)).astype(np.float32)


def cosines(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)


def test_plain_vectors_are_scored_by_their_cosine(client: EdgeClient, vectors: np.ndarray) -> None:
    query = np.random.default_rng(1).standard_normal(64).astype(np.float32)

    with vector_collection(client, vectors, None) as collection:
        scores = collection.scores(query)
        nearest = collection.nearest(query, 5)

    expected = cosines(query, vectors)
    assert scores == pytest.approx(expected, abs=1e-5)
    assert [number for number, _ in nearest] == np.argsort(-expected)[:5].tolist()
    assert collection.bytes_on_disk == 256


@pytest.mark.parametrize("name", [name for name, config in BY_NAME.items() if config])
def test_what_is_scanned_is_compressed_and_ranks_alike(
    name: str, client: EdgeClient, vectors: np.ndarray
) -> None:
    query = vectors[7]

    with vector_collection(client, vectors, BY_NAME[name]) as collection:
        scores = collection.scores(query)
        rescored = collection.nearest(query, 10, oversampling=30.0)

    expected = cosines(query, vectors)
    assert not np.allclose(scores, expected, atol=1e-6)  # else the plain vectors were read
    assert scores.argmax() == 7
    assert np.corrcoef(scores, expected)[0, 1] > 0.5
    assert [number for number, _ in rescored] == np.argsort(-expected)[:10].tolist()
    assert collection.bytes_on_disk is not None
    assert collection.bytes_on_disk < 256


def test_collections_and_folders_are_gone_afterwards(
    settings: Settings, vectors: np.ndarray
) -> None:
    with vector_client(settings) as client:
        with vector_collection(client, vectors, BY_NAME["int8"]):
            assert len(client.get_collections().collections) == 1
        assert not client.get_collections().collections
        with (
            pytest.raises(RuntimeError, match="stopped"),
            vector_collection(client, vectors, BY_NAME["int8"]),
        ):
            raise RuntimeError("stopped")
        assert not client.get_collections().collections

    assert not list(settings.home.glob(".vectors-*"))


def test_a_segment_that_was_not_compressed_is_an_error(
    client: EdgeClient, vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EdgeClient, "files", lambda *_: {"matrix.dat": 1})

    with (
        pytest.raises(StoreError, match="holds no compressed vectors"),
        vector_collection(client, vectors, BY_NAME["int8"]),
    ):
        pass


def test_fewer_scores_than_vectors_are_an_error() -> None:
    class Short:
        def query_points(self, *_: object, **__: object) -> object:
            return SimpleNamespace(points=[SimpleNamespace(id=0, score=1.0)])

    collection = VectorCollection("v", 2, 0.0, None, Short())  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="does not rank all its 2 vectors"):
        collection.scores(np.zeros(3, np.float32))


def test_folders_of_killed_measurements_are_removed_after_a_day(settings: Settings) -> None:
    old, young = settings.home / ".vectors-old", settings.home / ".vectors-young"
    for folder in (old, young):
        (folder / "collection").mkdir(parents=True)
    before = time.time() - 2 * 86_400
    os.utime(old, (before, before))

    with vector_client(settings):
        assert not old.exists()
        assert young.exists()
