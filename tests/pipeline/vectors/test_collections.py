"""Vectors from a collection that somebody else keeps in Qdrant."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from pipeline.datasets.dataset import DatasetError
from pipeline.index.store import own_collections
from pipeline.index.store.base import StoreError
from pipeline.settings import Settings
from pipeline.vectors.collections import read_collection
from pipeline.vectors.request import VectorsRequest

N = 600  # more than two pages


@pytest.fixture
def server(monkeypatch, rng, tmp_path) -> Settings:
    """Settings of a server with collections `pets` and `plain`."""
    client = QdrantClient(":memory:")
    params = models.VectorParams(size=4, distance=models.Distance.DOT)
    client.create_collection("pets", vectors_config={"dino": params, "clip": params})
    client.create_collection("plain", vectors_config=params)
    vectors = rng.normal(size=(N, 4)).round(3).tolist()
    for start in range(0, N, 200):
        points = [
            models.PointStruct(
                id=i,
                vector={"dino": vectors[i], "clip": vectors[-1]},
                payload={"file": {"path": f"a/{i}.jpg"}, "label": f"c{i % 3}"},
            )
            for i in range(start, start + 200)
        ]
        client.upsert("pets", points)
    client.upsert("plain", [models.PointStruct(id=7, vector=vectors[7])])
    fake = SimpleNamespace(client=client)
    monkeypatch.setattr(own_collections, "store_of", lambda settings, **more: fake)
    return Settings(home=tmp_path, qdrant_url="http://vectors.invalid:6333")


def request(collection: str = "pets", **more: object) -> VectorsRequest:
    fields = {"dataset": "pets", "source": f"qdrant:{collection}", "vectors": ("dino",)}
    return VectorsRequest.model_validate({**fields, **more})


def test_all_pages_come_with_ids_and_labels_of_the_payload(server) -> None:
    chosen = read_collection(request(ids=("file.path",), labels=("label",)), server)

    assert chosen.vectors.shape == (N, 4)
    assert sorted(chosen.ids or []) == sorted(f"a/{i}.jpg" for i in range(N))
    place = (chosen.ids or []).index("a/301.jpg")
    assert (chosen.labels or [])[place] == "c1"
    assert request().backbone == "vectors:pets"


def test_the_ids_of_points_serve_where_no_field_is_named(server) -> None:
    chosen = read_collection(request("plain", vectors=()), server)

    assert chosen.ids == ["7"]
    assert chosen.vectors.dtype == np.float32


def test_a_collection_without_points_is_refused(server) -> None:
    client = own_collections.store_of(server).client
    size = models.VectorParams(size=4, distance=models.Distance.DOT)
    client.create_collection("empty", vectors_config=size)

    with pytest.raises(DatasetError, match="'empty' has no points with a vector"):
        read_collection(request("empty", vectors=()), server)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vectors": ()}, "has the vectors dino, clip; name one with --vectors"),
        ({"vectors": ("dine",)}, "Did you mean 'dino'"),
        ({"source": "qdrant:pet"}, "Did you mean 'pets'"),
        ({"source": "qdrant:plain"}, "has no name; leave out 'dino'"),
    ],
)
def test_what_is_not_there_is_named(server, changes, reason) -> None:
    with pytest.raises(StoreError, match=reason):
        read_collection(request(**changes), server)


def test_a_payload_field_that_no_point_has_is_named(server) -> None:
    with pytest.raises(
        DatasetError, match="no point of 'pets' has the payload field 'path'; there"
    ):
        read_collection(request(ids=("path",)), server)


def test_a_server_must_be_named(settings) -> None:
    with pytest.raises(StoreError, match="set QDRANT_URL"):
        read_collection(request(), settings)
