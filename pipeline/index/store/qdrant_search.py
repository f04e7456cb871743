"""QdrantSearch: exact searches in Qdrant, complete where images are equally near."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from models.codes import HashCodes
from pipeline.index.store import qdrant_values as values
from pipeline.index.store.base import Hit, Item, Payload, SearchResult, Where
from pipeline.index.store.features import FEATURES, FeatureVectors

if TYPE_CHECKING:
    from pipeline.index.store.edge_client import EdgeClient

TIE_LIMIT = 10_000  # equally distant items looked at, to show the first ones by id


class ScoredPoint(Protocol):
    """Attributes that the client's and the engine's points have in common."""

    @property
    def payload(self) -> Payload | None:
        """The payload, when it was asked for."""


@dataclass(frozen=True)
class QdrantSearch:
    """Searches through one client.

    Attributes:
        client: a server's client, its local mode, or the embedded engine.
        errors: runs a request on a collection alone where that matters, and translates its errors.
        is_local: whether it is local mode, which always scans and warns when told how to search.
    """

    client: QdrantClient | EdgeClient
    errors: Callable[[str], AbstractContextManager[None]]
    is_local: bool

    def items(self, collection: str, ids: Sequence[str]) -> list[Item]:
        """The items with these ids in the order asked, without those that are not stored."""
        with self.errors(collection):
            records = self.client.retrieve(collection, ids, with_payload=True)
        payloads = {str(record.id): record.payload or {} for record in records}
        return [Item(id_, payloads[id_]) for id_ in ids if id_ in payloads]

    def nearest(
        self, collection: str, code: HashCodes, r: int, where: Where | None, limit: int
    ) -> SearchResult | None:
        """The nearest items; None when the collection changed between two requests.

        The engine cuts a group of equally distant items anywhere. So more are fetched than asked
        for, and if the group of the last hit may be incomplete still, the ids of all of it are.
        """
        n_fetched = _n_fetched(limit)
        near = self._query(collection, code, r, where, n_fetched)
        if _is_complete(near, limit, n_fetched):
            shown = near[:limit]
            return SearchResult(tuple(Hit(id_, d, p.payload or {}) for d, id_, p in shown))
        boundary, n_fetched = near[limit - 1][0], limit + TIE_LIMIT
        near = self._query(collection, code, boundary, where, n_fetched, with_payload=False)
        items = self.items(collection, [id_ for _, id_, _ in near[:limit]])
        if len(items) < limit:
            return None
        pairs = zip(near[:limit], items, strict=True)
        hits = tuple(Hit(item.id, distance, item.payload) for (distance, _, _), item in pairs)
        return SearchResult(hits, tie_cut=len(near) == n_fetched)

    def rescored(
        self,
        collection: str,
        code: HashCodes,
        query: NDArray[np.float32],
        vectors: FeatureVectors,
        r: int,
        where: Where | None,
        limit: int,
    ) -> SearchResult | None:
        """The nearest items with their cosines; None when the collection changed in between.

        One request fetches by codes and scores by features. Only where the group of the last hit
        may be incomplete are the nearest found as `nearest` does, and those scored.

        Args:
            collection: by name or alias.
            code: one code.
            query: (d,) as features are stored.
            vectors: how they are.
            r: largest distance.
            where: filter.
            limit: most items.
        """
        n_fetched = _n_fetched(limit)
        by_code: dict[str, Any] = {**self._by_code(code, r), "filter": values.condition(where)}
        with self.errors(collection):
            points = self.client.query_points(
                collection,
                query=query.tolist(),
                using=FEATURES,
                limit=n_fetched,
                prefetch=models.Prefetch(limit=n_fetched, **by_code),
                with_vectors=[""],
                with_payload=True,
            ).points
        near = _by_distance(collection, code, points, lambda p: values.code_score(code, p.vector))
        if _is_complete(near, limit, n_fetched):
            shown = near[:limit]
            cosines = vectors.cosines(np.array([point.score for _, _, point in shown]))
            return SearchResult(
                tuple(
                    Hit(id_, distance, point.payload or {}, cosine)
                    for (distance, id_, point), cosine in zip(shown, cosines.tolist(), strict=True)
                )
            )
        nearest = self.nearest(collection, code, r, where, limit)
        return None if nearest is None else self._scored(collection, nearest, query, vectors)

    def _scored(
        self,
        collection: str,
        nearest: SearchResult,
        query: NDArray[np.float32],
        vectors: FeatureVectors,
    ) -> SearchResult | None:
        with self.errors(collection):
            points = self.client.query_points(
                collection,
                query=query.tolist(),
                using=FEATURES,
                limit=len(nearest.hits),
                query_filter=values.only(hit.id for hit in nearest.hits),
                with_payload=False,
            ).points
        cosines = vectors.cosines(np.array([point.score for point in points])).tolist()
        by_id = dict(zip((str(point.id) for point in points), cosines, strict=True))
        if any(hit.id not in by_id for hit in nearest.hits):
            return None
        return replace(
            nearest, hits=tuple(replace(hit, cosine=by_id[hit.id]) for hit in nearest.hits)
        )

    def _query(
        self,
        collection: str,
        code: HashCodes,
        r: int,
        where: Where | None,
        limit: int,
        with_payload: bool = True,
    ) -> list[tuple[int, str, Any]]:
        """(distance, id, point) of at most `limit` items within distance r, in order."""
        by_code: dict[str, Any] = self._by_code(code, r)
        with self.errors(collection):
            points = self.client.query_points(
                collection,
                query=by_code["query"],
                limit=limit,
                query_filter=values.condition(where),
                search_params=by_code["params"],
                score_threshold=by_code["score_threshold"],
                with_payload=with_payload,
            ).points
        return _by_distance(collection, code, points, lambda point: float(point.score))

    def _by_code(self, code: HashCodes, r: int) -> dict[str, object]:
        return {
            "query": values.vectors(code)[0],
            "params": None if self.is_local else values.SEARCH_PARAMS,
            "score_threshold": values.threshold(code.bits, r),
        }


def _n_fetched(limit: int) -> int:
    return 2 * limit + 16


def _is_complete(near: list[tuple[int, str, Any]], limit: int, n_fetched: int) -> bool:
    """Whether all items as near as the last of `limit` are among those fetched."""
    return len(near) < n_fetched or near[limit - 1][0] < near[-1][0]


def _by_distance(
    collection: str, code: HashCodes, points: Iterable[Any], score: Callable[[Any], float]
) -> list[tuple[int, str, Any]]:
    candidates = [
        (values.distance(collection, code.bits, score(point)), str(point.id), point)
        for point in points
    ]
    return sorted(candidates, key=itemgetter(0, 1))
