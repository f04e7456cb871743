"""QdrantCodeStore: hash codes in Qdrant, exact, whichever of its engines runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from models.codes import HashCodes
from pipeline.index.store import qdrant_values as values
from pipeline.index.store.base import (
    CODEC,
    INDEXED_FIELDS,
    CollectionExists,
    CollectionInfo,
    CollectionMismatch,
    CollectionMissing,
    Item,
    Payload,
    SearchResult,
    StoreError,
    StoreUnavailable,
    Where,
    check_query,
    check_radius,
    checked_id,
    checked_items,
    checked_name,
)
from pipeline.index.store.cluster import Server
from pipeline.index.store.features import FEATURES, FeatureVectors, NoFeatures, stored_features
from pipeline.index.store.qdrant_errors import CLIENT_ERRORS, translated
from pipeline.index.store.qdrant_search import QdrantSearch

if TYPE_CHECKING:
    from pipeline.index.store.edge_client import EdgeClient

BATCH_SIZE = 256


@dataclass(frozen=True)
class Layout:
    """How a server spreads new collections over its nodes; None: the server's default."""

    shard_number: int | None = None
    replication_factor: int | None = None
    write_consistency_factor: int | None = None


class QdrantCodeStore:
    """A CodeStore over anything with QdrantClient's methods.

    Args:
        client: a server's client, its local mode, or the embedded engine.
        local_mode: True for QdrantClient(":memory:") and QdrantClient(path=...).
        address: how error messages call the store; must hold no secret.
        layout: layout of new collections; only a server heeds it.
    """

    def __init__(
        self,
        client: QdrantClient | EdgeClient,
        *,
        local_mode: bool = False,
        address: str = "the index",
        layout: Layout | None = None,
    ) -> None:
        self._client = client
        self._address = address
        self._layout = layout or Layout()
        self._is_local = local_mode
        self._search = QdrantSearch(client, self._errors, is_local=local_mode)
        # Local mode mixes up arrays when one thread reads while another writes.
        self._lock: AbstractContextManager[object] = RLock() if local_mode else nullcontext()

    @property
    def is_embedded(self) -> bool:
        """See CodeStore."""
        return not isinstance(self._client, QdrantClient)

    @property
    def client(self) -> QdrantClient | EdgeClient:
        """What speaks to the engine, for vectors that are no hash codes."""
        return self._client

    @property
    def server(self) -> Server | None:
        """The server, to be asked about itself; None where this process is the engine."""
        if isinstance(self._client, QdrantClient) and not self._is_local:
            return Server(self._client)
        return None

    def check_room(self, n_codes: int, more_bytes: int = 0) -> None:
        """See CodeStore."""
        if not isinstance(self._client, QdrantClient):
            self._client.check_room(n_codes, more_bytes)

    def create(
        self,
        collection: str,
        bits: int,
        metadata: Mapping[str, object],
        features: FeatureVectors | None = None,
    ) -> None:
        """See CodeStore."""
        facts = {**metadata, "bits": bits, "codec": CODEC}
        checked_name(collection)
        with self._errors(collection):
            if self._client.collection_exists(collection):
                raise CollectionExists(collection)
            self._client.create_collection(
                collection,
                vectors_config=values.vectors_config(bits, features),
                quantization_config=None if features else values.QUANTIZATION,
                hnsw_config=values.NO_GRAPH,
                metadata={**facts, FEATURES: features.metadata} if features else facts,
                shard_number=self._layout.shard_number,
                replication_factor=self._layout.replication_factor,
                write_consistency_factor=self._layout.write_consistency_factor,
            )
            # Before the upload, so that the engine sorts items in as they come. Local mode has no
            # indexes and warns when asked for one.
            for field in () if self._is_local else INDEXED_FIELDS:
                self._client.create_payload_index(
                    collection, field, field_schema=models.PayloadSchemaType.KEYWORD
                )

    def add(
        self,
        collection: str,
        ids: Sequence[str],
        codes: HashCodes,
        payloads: Sequence[Payload],
        features: NDArray[np.float32] | None = None,
    ) -> None:
        """See CodeStore."""
        items = checked_items(ids, codes, payloads)
        info = self._checked_info(collection, codes.bits)
        stored = stored_features(collection, info.metadata, features, len(items))
        for start in range(0, len(items), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            points = values.points(codes[batch], items[batch], stored[batch])
            with self._errors(collection):
                self._client.upsert(collection, points, wait=True)

    def search(
        self, collection: str, code: HashCodes, k: int, where: Where | None = None
    ) -> SearchResult:
        """See CodeStore."""
        return self.radius(collection, code, code.bits, where, limit=k)

    def radius(
        self,
        collection: str,
        code: HashCodes,
        r: int,
        where: Where | None = None,
        limit: int = 1000,
    ) -> SearchResult:
        """See CodeStore."""
        check_query(code, limit)
        check_radius(r)
        return self._settled(
            collection,
            code.bits,
            lambda: self._search.nearest(collection, code, r, where, limit),
        )

    def rescored(
        self,
        collection: str,
        code: HashCodes,
        features: NDArray[np.float32],
        k: int,
        where: Where | None = None,
        r: int | None = None,
    ) -> SearchResult:
        """See CodeStore. One request, unless images are equally near where the k nearest end."""
        radius = code.bits if r is None else r
        check_query(code, k)
        check_radius(radius)

        def attempt() -> SearchResult | None:
            kept = self.metadata(collection)
            vectors = FeatureVectors.from_metadata(collection, kept)
            [query] = vectors.stored(features[None])
            found = self._search.rescored(collection, code, query, vectors, radius, where, limit=k)
            is_same = self.metadata(collection).get(FEATURES) == kept[FEATURES]
            return found if is_same else None  # else an alias moved to features kept otherwise

        return self._settled(collection, code.bits, attempt)

    def get(self, collection: str, ids: Sequence[str]) -> list[Item]:
        """See CodeStore."""
        return self._search.items(collection, [checked_id(id_) for id_ in ids])

    def count(self, collection: str, where: Where | None = None) -> int:
        """See CodeStore."""
        with self._errors(collection):
            return self._client.count(
                collection, count_filter=values.condition(where), exact=True
            ).count

    def drop(self, collection: str) -> None:
        """See CodeStore."""
        if collection not in self.collections():  # an alias, or nothing
            raise CollectionMissing(collection)
        with self._errors(collection):
            self._client.delete_collection(collection)

    def collections(self) -> list[str]:
        """See CodeStore."""
        with self._errors():
            return sorted(
                collection.name for collection in self._client.get_collections().collections
            )

    def info(self, name: str) -> CollectionInfo:
        """See CodeStore. Opens the collection, which in an embedded index locks out others."""
        aliases = self._aliases()
        collection = aliases.get(name, name)
        with self._errors(name):
            config = self._client.get_collection(collection).config
        vectors, metadata = values.code_params(config.params.vectors), dict(config.metadata or {})
        if vectors is None or metadata.get("codec") != CODEC:
            raise CollectionMismatch(name, "codec", metadata.get("codec"), CODEC)
        alias = min(
            (alias for alias, target in aliases.items() if target == collection), default=None
        )
        created = str(metadata.get("created", ""))
        return CollectionInfo(
            collection, alias, vectors.size, self.count(collection), metadata, created
        )

    def metadata(self, name: str) -> dict[str, object]:
        """See CodeStore."""
        with self._errors(name):
            if not isinstance(self._client, QdrantClient):
                return self._client.metadata(name)
            return dict(self._client.get_collection(name).config.metadata or {})

    def publish(self, alias: str, collection: str) -> None:
        """See CodeStore."""
        existing = self.collections()
        if checked_name(alias) in existing:
            raise CollectionExists(alias)
        if collection not in existing:
            raise CollectionMissing(collection)
        gone = models.DeleteAlias(alias_name=alias)
        made = models.CreateAlias(collection_name=collection, alias_name=alias)
        with self._errors(collection):
            self._client.update_collection_aliases(
                [
                    models.DeleteAliasOperation(delete_alias=gone),
                    models.CreateAliasOperation(create_alias=made),
                ]
            )

    def resolve(self, alias: str) -> str | None:
        """See CodeStore."""
        return self._aliases().get(alias)

    def close(self) -> None:
        """See CodeStore."""
        self._client.close()

    def _aliases(self) -> dict[str, str]:
        with self._errors():
            aliases = self._client.get_aliases().aliases
        return {alias.alias_name: alias.collection_name for alias in aliases}

    def _settled(
        self, collection: str, bits: int, attempt: Callable[[], SearchResult | None]
    ) -> SearchResult:
        """The result of a search that is tried again while its collection changes."""
        try:
            for _ in range(3):
                if (result := attempt()) is not None:
                    return result
        except (StoreUnavailable, CollectionMissing, CollectionMismatch, NoFeatures):
            raise
        except (StoreError, ValueError):
            self._checked_info(collection, bits)  # the likeliest reason, so say that
            raise
        raise StoreError(f"collection '{collection}' changes during every search; search again")

    def _checked_info(self, collection: str, bits: int) -> CollectionInfo:
        info = self.info(collection)
        if info.bits != bits:
            raise CollectionMismatch(collection, "bits", info.bits, bits)
        return info

    @contextmanager
    def _errors(self, collection: str = "") -> Iterator[None]:
        """Run one request alone (where that matters), with its errors translated."""
        with self._lock:
            try:
                yield
            except CLIENT_ERRORS as error:
                raise translated(error, self._address, collection, self._nodes) from error

    def _nodes(self) -> str:
        """How many nodes of the server answer, as part of a sentence."""
        nodes = self.server.nodes() if self.server else None
        return f": {nodes}" if nodes else ""
