"""Float vectors in a collection of their own, as one of the engine's quantizers keeps them."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from pipeline.index.store.base import StoreError, StoreUnavailable
from pipeline.index.store.opening import open_store, store_of
from pipeline.index.store.qdrant_errors import CLIENT_ERRORS, translated
from pipeline.index.store.qdrant_values import NO_GRAPH
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.index.store.edge_client import EdgeClient

_BATCH = 256
_FOLDERS, _DAY_S = ".vectors-", 86_400
_PATIENCE_S = 600.0  # for a server to compress what it holds
_AT_ONCE = models.OptimizersConfigDiff(indexing_threshold=1, default_segment_number=1)
_COMPRESSED = "quantized.data"  # the engine's file of compressed vectors
_PLAIN = "matrix.dat"


@dataclass(frozen=True)
class VectorCollection:
    """Vectors in the engine, numbered from 0.

    Attributes:
        name: of the collection.
        n: number of vectors.
        build_s: seconds from the first vector until all are compressed.
        bytes_on_disk: of the vectors as they are scanned, per vector; None: a server does not tell.
    """

    name: str
    n: int
    build_s: float
    bytes_on_disk: int | None
    _client: QdrantClient | EdgeClient

    def scores(self, query: NDArray[np.float32], *, oversampling: float | None = None) -> Scores:
        """Scores (n,) of all vectors by what is scanned, without the plain vectors.

        Args:
            query: (d,).
            oversampling: fetch this many times the results and order them by the plain vectors.

        Raises:
            StoreError: the engine gave fewer than all.
        """
        scores = np.full(self.n, -np.inf, np.float32)
        for number, score in self.nearest(query, self.n, oversampling=oversampling):
            scores[number] = score
        if np.isneginf(scores).any():
            raise StoreError(f"collection '{self.name}' does not rank all its {self.n} vectors")
        return scores

    def nearest(
        self, query: NDArray[np.float32], k: int, *, oversampling: float | None = None
    ) -> list[tuple[int, float]]:
        """Numbers and scores of the k nearest vectors; arguments as those of `scores`."""
        how = models.QuantizationSearchParams(
            rescore=oversampling is not None, oversampling=oversampling
        )
        found = self._client.query_points(
            self.name,
            query=query.tolist(),
            limit=k,
            with_payload=False,
            search_params=models.SearchParams(quantization=how),
        )
        return [(int(point.id), point.score) for point in found.points]


Scores = NDArray[np.float32]


@contextmanager
def vector_client(settings: Settings) -> Iterator[QdrantClient | EdgeClient]:
    """The engine that the settings name; the embedded one in a folder that is deleted afterwards.

    Raises:
        StoreUnavailable: there is no engine that compresses vectors.
    """
    if settings.qdrant_url and settings.qdrant_url != ":memory:":
        yield store_of(settings).client
        return
    settings.home.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(settings.home)
    with tempfile.TemporaryDirectory(prefix=_FOLDERS, dir=settings.home) as folder:
        client = open_store(None, Path(folder)).client
        if isinstance(client, QdrantClient):
            raise StoreUnavailable(
                "local mode compresses no vectors; install qdrant-edge-py, or run a Qdrant server "
                "and set QDRANT_URL"
            )
        try:
            yield client
        finally:
            client.close()


def _remove_leftovers(home: Path) -> None:
    """Remove folders of measurements that were killed; those of the last day may be in use."""
    for folder in home.glob(f"{_FOLDERS}*"):
        if time.time() - folder.stat().st_mtime > _DAY_S:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def vector_collection(
    client: QdrantClient | EdgeClient,
    vectors: NDArray[np.float32],
    quantization: models.QuantizationConfig | None,
) -> Iterator[VectorCollection]:
    """Vectors compared by their cosine, compressed, in a collection that is dropped afterwards.

    Args:
        client: of the engine.
        vectors: (n, d).
        quantization: how they are compressed; None: not at all.

    Raises:
        StoreError: the engine did not compress them, or fails.
    """
    name = f"hashlens-vectors-{uuid4().hex[:12]}"
    size = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
    try:
        client.create_collection(
            name,
            vectors_config=size,
            quantization_config=quantization,
            hnsw_config=NO_GRAPH,
            optimizers_config=_AT_ONCE,
        )
        try:
            began = time.perf_counter()
            for start in range(0, len(vectors), _BATCH):
                block = vectors[start : start + _BATCH].tolist()
                points = [
                    models.PointStruct(id=start + place, vector=vector, payload={})
                    for place, vector in enumerate(block)
                ]
                client.upsert(name, points, wait=True)
            _wait_until_built(client, name, len(vectors))
            build_s = time.perf_counter() - began
            size_on_disk = _bytes_on_disk(client, name, len(vectors), quantization)
            yield VectorCollection(name, len(vectors), build_s, size_on_disk, client)
        finally:
            client.delete_collection(name)
    except CLIENT_ERRORS as error:
        raise translated(error, "the index", name) from error


def _wait_until_built(client: QdrantClient | EdgeClient, name: str, n: int) -> None:
    if not isinstance(client, QdrantClient):
        client.optimize(name)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        known = client.get_collection(name)
        if known.status == models.CollectionStatus.GREEN and known.indexed_vectors_count == n:
            return
        if time.monotonic() > deadline:
            raise StoreError(
                f"collection '{name}': {known.indexed_vectors_count or 0:,} of {n:,} vectors are "
                f"compressed after {_PATIENCE_S:.0f} s"
            )
        time.sleep(0.2)


def _bytes_on_disk(
    client: QdrantClient | EdgeClient,
    name: str,
    n: int,
    quantization: models.QuantizationConfig | None,
) -> int | None:
    if isinstance(client, QdrantClient):
        return None
    size = client.files(name).get(_PLAIN if quantization is None else _COMPRESSED)
    if size is None and quantization is not None:
        raise StoreError(f"collection '{name}' holds no compressed vectors")
    return None if size is None else size // n  # less a header of a few bytes
