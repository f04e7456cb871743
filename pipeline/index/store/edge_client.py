"""EdgeClient: the embedded engine (qdrant-edge) behind the method surface of QdrantClient.

The engine locks a collection's files (a "shard") for one process, readers included. Therefore a
shard is opened on first use and closed as soon as an alias moves away from it or is about to point
at it: a process that has published leaves the collection to the readers until it uses it again.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

import qdrant_edge as edge
from pydantic import TypeAdapter
from qdrant_client.http import models

from pipeline.index.store import edge_values as values
from pipeline.index.store.base import StoreError, StoreUnavailable
from pipeline.index.store.edge_files import EdgeFiles

_VECTORS: TypeAdapter[models.VectorParams | dict[str, models.VectorParams]] = TypeAdapter(
    models.VectorParams | dict[str, models.VectorParams]
)
_COLLECTION_BYTES = 180_000_000  # files that the engine makes at once, mostly holes
_CODE_BYTES = 700  # of a code with its payload and the indexes on it, measured
_DONE = models.UpdateResult.model_construct(status=models.UpdateStatus.COMPLETED)


@dataclass(frozen=True)
class Found:
    """Answer with `points` as QdrantClient's has; each converts its payload when it is read."""

    points: list[edge.ScoredPoint]


_MAY_NOT_WRITE = (errno.EPERM, errno.EACCES, errno.EROFS)


class EdgeClient:
    """The part of QdrantClient that QdrantCodeStore needs, in this process, under one folder.

    Errors are those of the client's local mode (ValueError for an unknown collection or a vector
    of the wrong size), plus StoreUnavailable when another process has a collection open. Points
    come as the engine's own objects, which have the attributes of the client's models but UUID
    ids: making models of them would take longer than the search.
    """

    def __init__(self, path: Path) -> None:
        self._files = EdgeFiles(path)
        self._lock = RLock()
        self._shards: dict[str, edge.EdgeShard] = {}
        self._versions: dict[str, int] = {}  # collection -> version that is open
        self._followed: dict[str, str] = {}  # alias -> collection it pointed at when last used

    def check_room(self, n_codes: int, more_bytes: int) -> None:
        """Refuse a collection that the disk cannot hold.

        The engine maps its files into memory: on a full disk a write would end the process.

        Raises:
            OSError: there is no room.
        """
        self._files.check_room(_COLLECTION_BYTES + n_codes * (_CODE_BYTES + more_bytes))

    def collection_exists(self, collection_name: str) -> bool:
        """Whether there is a collection or alias of this name."""
        return self._files.is_complete(self._files.aliases().get(collection_name, collection_name))

    def get_collections(self) -> models.CollectionsResponse:
        """All complete collections by name."""
        return models.CollectionsResponse(
            collections=[models.CollectionDescription(name=name) for name in self._files.names()]
        )

    def get_aliases(self) -> models.CollectionsAliasesResponse:
        """All aliases."""
        return models.CollectionsAliasesResponse(
            aliases=[
                models.AliasDescription(alias_name=alias, collection_name=name)
                for alias, name in sorted(self._files.aliases().items())
            ]
        )

    def create_collection(
        self,
        collection_name: str,
        vectors_config: models.VectorParams | dict[str, models.VectorParams],
        quantization_config: models.QuantizationConfig | None = None,
        hnsw_config: models.HnswConfigDiff | None = None,
        optimizers_config: models.OptimizersConfigDiff | None = None,
        metadata: dict[str, Any] | None = None,
        **server_only: object,
    ) -> bool:
        """Make an empty collection, over the remains of one whose making was interrupted.

        `server_only` (shard numbers and the like) means nothing here and is ignored.
        """
        config = edge.EdgeConfig(
            vectors=values.vectors_params(vectors_config),
            quantization_config=values.quantization(quantization_config),
            hnsw_config=values.hnsw(hnsw_config),
            optimizers=values.optimizers(optimizers_config),
        )
        vectors = _VECTORS.dump_python(vectors_config, mode="json", exclude_none=True)
        meta: dict[str, object] = {"metadata": metadata, "vectors": vectors}
        with self._lock, self._files.lock:
            if self.collection_exists(collection_name):
                raise ValueError(f"Collection {collection_name} already exists")
            shard = self._files.begin(collection_name, meta)
            edge.EdgeShard.create(str(shard), config).close()
            self._files.finish(collection_name)
        return True

    def get_collection(self, collection_name: str) -> models.CollectionInfo:
        """Counts from the engine; metadata and vector parameters as given at creation."""
        with self._opened(collection_name) as (name, shard):
            facts = shard.info()
            meta = self._files.meta(name)
        vectors = _VECTORS.validate_python(meta["vectors"])
        config: dict[str, Any] = {
            "params": models.CollectionParams(vectors=vectors),
            "metadata": meta["metadata"],
        }
        described: dict[str, Any] = {
            "status": models.CollectionStatus.GREEN,
            "points_count": facts.points_count,
            "indexed_vectors_count": facts.indexed_vectors_count,
            "segments_count": facts.segments_count,
            "config": models.CollectionConfig.model_construct(**config),
        }
        return models.CollectionInfo.model_construct(**described)

    def metadata(self, collection_name: str) -> dict[str, object]:
        """As given at creation; the collection is not opened."""
        with self._lock:
            kept = self._files.meta(self._resolve(collection_name))["metadata"]
            return kept if isinstance(kept, dict) else {}

    def optimize(self, collection_name: str) -> None:
        """Build and compress segments now, which a server does by itself."""
        with self._opened(collection_name) as (_, shard):
            shard.optimize()
            shard.flush()

    def files(self, collection_name: str) -> dict[str, int]:
        """Bytes on disk under a collection, added up by file name."""
        sizes: dict[str, int] = {}
        for path in self._files.shard(collection_name).rglob("*"):
            if path.is_file():
                sizes[path.name] = sizes.get(path.name, 0) + path.stat().st_size
        return sizes

    def delete_collection(self, collection_name: str) -> bool:
        """Delete a collection and its aliases; False when there is none of this name."""
        with self._lock, self._files.lock:
            self._release(collection_name)
            aliases = self._files.aliases()
            kept = {alias: name for alias, name in aliases.items() if name != collection_name}
            if kept != aliases:
                self._files.write_aliases(kept)
            return self._files.remove(collection_name)

    def update_collection_aliases(
        self, change_aliases_operations: Sequence[models.AliasOperations]
    ) -> bool:
        """Apply all operations in one replacement of the alias file, or none."""
        with self._lock, self._files.lock:
            aliases = self._files.aliases()
            for operation in change_aliases_operations:
                if isinstance(operation, models.DeleteAliasOperation):
                    aliases.pop(operation.delete_alias.alias_name, None)
                elif isinstance(operation, models.CreateAliasOperation):
                    made = operation.create_alias
                    self._check_alias(made.alias_name, made.collection_name)
                    aliases[made.alias_name] = made.collection_name
                    # Readers in other processes open it next, which they could not do before this.
                    self._release(made.collection_name)
                else:
                    raise NotImplementedError(f"alias operation {type(operation).__name__}")
            self._files.write_aliases(aliases)
        return True

    def create_payload_index(
        self, collection_name: str, field_name: str, field_schema: models.PayloadSchemaType
    ) -> models.UpdateResult:
        """Index a payload field for filters."""
        field_type = values.FIELD_TYPES[str(field_schema.value)]
        with self._opened(collection_name) as (_, shard):
            shard.update(edge.UpdateOperation.create_field_index(field_name, field_type))
        return _DONE

    def upsert(
        self, collection_name: str, points: Sequence[models.PointStruct], wait: bool = True
    ) -> models.UpdateResult:
        """Store points; a known id is replaced with its whole payload."""
        made = [edge.Point(p.id, values.vectors(p.vector), p.payload or {}) for p in points]
        with self._opened(collection_name) as (_, shard):
            shard.update(edge.UpdateOperation.upsert_points(made))
        return _DONE

    def query_points(
        self,
        collection_name: str,
        query: Sequence[float],
        query_filter: models.Filter | None = None,
        search_params: models.SearchParams | None = None,
        limit: int = 10,
        offset: int | None = None,
        with_payload: bool | list[str] = True,
        score_threshold: float | None = None,
        using: str | None = None,
        prefetch: models.Prefetch | None = None,
        with_vectors: bool | list[str] = False,
    ) -> Found:
        """The nearest points to a vector, or the nearest of those prefetched; best score first."""
        request = edge.QueryRequest(
            limit=limit,
            offset=offset,
            query=edge.Query.Nearest(values.vector(query), using),
            prefetches=values.prefetch(prefetch),
            with_payload=with_payload,
            with_vector=with_vectors,
            filter=None if query_filter is None else values.edge_filter(query_filter),
            score_threshold=score_threshold,
            params=None if search_params is None else values.search_params(search_params),
        )
        with self._opened(collection_name) as (_, shard):
            return Found(shard.query(request))

    def retrieve(
        self,
        collection_name: str,
        ids: Sequence[values.PointId],
        with_payload: bool | list[str] = True,
    ) -> list[edge.Record]:
        """Points by id, in any order; missing ones are left out."""
        with self._opened(collection_name) as (_, shard):
            return shard.retrieve(list(ids), with_payload, False)

    def count(
        self, collection_name: str, count_filter: models.Filter | None = None, exact: bool = True
    ) -> models.CountResult:
        """Number of points that pass."""
        chosen = None if count_filter is None else values.edge_filter(count_filter)
        with self._opened(collection_name) as (_, shard):
            n_points = shard.count(edge.CountRequest(exact=exact, filter=chosen))
        return models.CountResult(count=n_points)

    def close(self) -> None:
        """Close all shards and with them their locks; a later call opens what it needs again."""
        with self._lock:
            for name in list(self._shards):
                self._release(name)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[str, edge.EdgeShard]]:
        """The collection behind a name and its open shard, for this thread alone."""
        with self._lock:
            collection = self._resolve(name)
            try:
                yield collection, self._shard(collection)
            except Exception as error:  # the engine raises nothing more specific
                if type(error) is not Exception:
                    raise
                raise _translated(error, collection) from error

    def _resolve(self, name: str) -> str:
        aliases = self._files.aliases()
        collection = aliases.get(name, name)
        while not self._files.is_complete(collection):
            aliases, stale = self._files.aliases(), collection
            collection = aliases.get(name, name)
            if collection == stale:  # else it was switched and dropped since the aliases were read
                self._release(collection)
                raise ValueError(f"Collection {name} not found")
        if name in aliases:
            previous = self._followed.get(name, collection)
            self._followed[name] = collection
            if previous not in aliases.values():
                self._release(previous)
        return collection

    def _shard(self, name: str) -> edge.EdgeShard:
        version = self._files.version(name)
        if self._versions.get(name, version) != version:
            self._release(name)  # another process dropped the collection and built it again
        if name not in self._shards:
            self._shards[name] = edge.EdgeShard.load(str(self._files.shard(name)))
            self._versions[name] = version
        return self._shards[name]

    def _release(self, name: str) -> None:
        shard = self._shards.pop(name, None)
        self._versions.pop(name, None)
        if shard is not None:
            shard.close()

    def _check_alias(self, alias: str, collection: str) -> None:
        if not self._files.is_complete(collection):
            raise ValueError(f"Collection {collection} not found")
        if self._files.is_complete(alias):
            raise ValueError(f"Alias {alias} is the name of a collection")


def _translated(error: Exception, collection: str) -> Exception:
    text = str(error)
    if "WouldBlock" in text:
        return StoreUnavailable(
            f"collection '{collection}' is open in another process, and the embedded index serves "
            "one process at a time; stop the other one, or run a Qdrant server and set QDRANT_URL"
        )
    if any(f"(os error {number})" in text for number in _MAY_NOT_WRITE):
        return StoreUnavailable(
            f"the embedded index opens only where it may write, and collection '{collection}' may "
            "not be written here; make its folder writable, or run a Qdrant server and set "
            "QDRANT_URL"
        )
    if "Vector dimension error" in text:
        return ValueError(text)
    return StoreError(f"collection '{collection}': {text}; if this persists, rebuild the index")
