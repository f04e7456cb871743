"""Vectors that somebody else keeps in Qdrant, read in pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qdrant_client import QdrantClient, models

from models.wording import unknown
from pipeline.index.store.base import CollectionMissing, StoreError
from pipeline.index.store.opening import store_of
from pipeline.index.store.qdrant_errors import CLIENT_ERRORS, address_of, translated
from pipeline.settings import Settings

PAGE = 256  # points of one request


@dataclass(frozen=True)
class ForeignPoint:
    """A point of a collection.

    Attributes:
        id: as text.
        vector: d numbers.
        payload: its fields.
    """

    id: str
    vector: list[float]
    payload: dict[str, Any]


def scroll_vectors(
    settings: Settings, collection: str, vector: str = ""
) -> tuple[str, list[ForeignPoint]]:
    """All points of a collection on the server of the settings that have a vector.

    Args:
        settings: address and key of the server.
        collection: name of the collection or of an alias.
        vector: name of the vector; empty where there is one.

    Returns:
        The name of the vector, empty where it has none, and the points by their ids.

    Raises:
        StoreError: no server is named or answers, or it has no such collection or vector.
    """
    if settings.qdrant_url is None:
        raise StoreError(
            f"the collection {collection!r} is looked for on a Qdrant server, and none is named; "
            "set QDRANT_URL to its address"
        )
    client = store_of(settings, is_read_only=True).client
    assert isinstance(client, QdrantClient)
    try:
        name = _vector_name(client, collection, vector)
        return name, list(_points(client, collection, name))
    except CLIENT_ERRORS as error:
        raise _of_store(translated(error, address_of(settings.qdrant_url), collection)) from error


def _of_store(error: Exception) -> Exception:
    return error if isinstance(error, StoreError) else StoreError(str(error))


def _vector_name(client: QdrantClient, collection: str, wanted: str) -> str:
    if not client.collection_exists(collection) and not _is_alias(client, collection):
        names = tuple(known.name for known in client.get_collections().collections)
        raise CollectionMissing(f"{collection}: {unknown('collection', collection, names)}")
    vectors = client.get_collection(collection).config.params.vectors
    if isinstance(vectors, models.VectorParams):
        if wanted:
            raise StoreError(f"the vector of {collection!r} has no name; leave out {wanted!r}")
        vectors = {"": vectors}
    if not vectors:
        raise StoreError(f"{collection!r} has sparse vectors only; dense ones are needed")
    if not wanted and len(vectors) > 1:
        raise StoreError(
            f"{collection!r} has the vectors {', '.join(vectors)}; name one with --vectors"
        )
    name = wanted or next(iter(vectors))
    if name not in vectors:
        raise StoreError(unknown(f"vector of {collection}", name, tuple(vectors)))
    if vectors[name].multivector_config is not None:
        raise StoreError(f"{name or collection} holds several vectors per point; one is needed")
    return name


def _is_alias(client: QdrantClient, name: str) -> bool:
    return any(alias.alias_name == name for alias in client.get_aliases().aliases)


def _points(client: QdrantClient, collection: str, name: str) -> Iterator[ForeignPoint]:
    offset: Any = None
    while True:
        records, offset = client.scroll(
            collection,
            limit=PAGE,
            offset=offset,
            with_payload=True,
            with_vectors=[name] if name else True,
        )
        for record in records:
            vector: Any = record.vector
            vector = vector.get(name) if isinstance(vector, dict) else vector
            if vector is not None:
                yield ForeignPoint(str(record.id), list(vector), dict(record.payload or {}))
        if offset is None:
            return
