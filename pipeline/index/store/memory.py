"""MemoryCodeStore: the exact store, numpy over everything in memory; the truth in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.index.store.base import (
    CODEC,
    CollectionExists,
    CollectionInfo,
    CollectionMismatch,
    CollectionMissing,
    Hit,
    Item,
    Payload,
    SearchResult,
    Where,
    check_query,
    check_radius,
    checked_id,
    checked_items,
    checked_name,
)
from pipeline.index.store.features import FEATURES, FeatureVectors, NoFeatures, stored_features


@dataclass
class _Table:
    bits: int
    metadata: dict[str, object]
    features: FeatureVectors | None = None
    rows: dict[str, tuple[bytes, Payload]] = field(default_factory=dict)  # packed code, payload
    stored: dict[str, NDArray[np.float32]] = field(default_factory=dict)  # (d,) as engines keep it


class MemoryCodeStore:
    """A CodeStore that compares every code by XOR and popcount. For one thread."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._aliases: dict[str, str] = {}

    @property
    def is_embedded(self) -> bool:
        """See CodeStore."""
        return True

    def create(
        self,
        collection: str,
        bits: int,
        metadata: Mapping[str, object],
        features: FeatureVectors | None = None,
    ) -> None:
        """See CodeStore."""
        if checked_name(collection) in self._tables or collection in self._aliases:
            raise CollectionExists(collection)
        kept = {FEATURES: features.metadata} if features else {}
        facts = {**metadata, "bits": bits, "codec": CODEC, **kept}
        self._tables[collection] = _Table(bits, facts, features)

    def add(
        self,
        collection: str,
        ids: Sequence[str],
        codes: HashCodes,
        payloads: Sequence[Payload],
        features: NDArray[np.float32] | None = None,
    ) -> None:
        """See CodeStore."""
        table = self._table(collection, codes.bits)
        items = checked_items(ids, codes, payloads)
        vectors = stored_features(collection, table.metadata, features, len(items))
        for packed, (id_, payload) in zip(codes.packed, items, strict=True):
            table.rows[id_] = (packed.tobytes(), payload)
        table.stored.update(zip((id_ for id_, _ in items), vectors, strict=False))

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
        rows = self._table(collection, code.bits).rows
        packed = np.frombuffer(b"".join(row for row, _ in rows.values()), np.uint8)
        codes = HashCodes(packed.reshape(len(rows), -(-code.bits // 8)), code.bits)
        distances = code.hamming(codes)[0].tolist()
        hits = [
            Hit(id_, distance, payload)
            for distance, (id_, (_, payload)) in zip(distances, rows.items(), strict=True)
            if distance <= r and (where is None or where.accepts(payload))
        ]
        return SearchResult(tuple(sorted(hits, key=lambda hit: (hit.distance, hit.id))[:limit]))

    def rescored(
        self,
        collection: str,
        code: HashCodes,
        features: NDArray[np.float32],
        k: int,
        where: Where | None = None,
        r: int | None = None,
    ) -> SearchResult:
        """See CodeStore."""
        table = self._table(collection, code.bits)
        if (vectors := table.features) is None:
            raise NoFeatures(collection)
        [query] = vectors.stored(features[None])
        found = self.radius(collection, code, code.bits if r is None else r, where, limit=k)
        items = np.array([table.stored[hit.id] for hit in found.hits]).reshape(-1, len(query))
        cosines = vectors.cosines(vectors.scores(query, items)).tolist()
        pairs = zip(found.hits, cosines, strict=True)
        return SearchResult(tuple(replace(hit, cosine=cosine) for hit, cosine in pairs))

    def get(self, collection: str, ids: Sequence[str]) -> list[Item]:
        """See CodeStore."""
        rows = self._table(collection).rows
        return [Item(id_, rows[id_][1]) for id_ in map(checked_id, ids) if id_ in rows]

    def count(self, collection: str, where: Where | None = None) -> int:
        """See CodeStore."""
        rows = self._table(collection).rows.values()
        return sum(where is None or where.accepts(payload) for _, payload in rows)

    def drop(self, collection: str) -> None:
        """See CodeStore."""
        if self._tables.pop(collection, None) is None:
            raise CollectionMissing(collection)
        self._aliases = {a: name for a, name in self._aliases.items() if name != collection}

    def collections(self) -> list[str]:
        """See CodeStore."""
        return sorted(self._tables)

    def info(self, name: str) -> CollectionInfo:
        """See CodeStore."""
        table = self._table(name)
        collection = self._aliases.get(name, name)
        alias = min(
            (a for a, target in self._aliases.items() if target == collection), default=None
        )
        created = str(table.metadata.get("created", ""))
        return CollectionInfo(
            collection, alias, table.bits, len(table.rows), table.metadata, created
        )

    def metadata(self, name: str) -> dict[str, object]:
        """See CodeStore."""
        return self._table(name).metadata

    def publish(self, alias: str, collection: str) -> None:
        """See CodeStore."""
        if checked_name(alias) in self._tables:
            raise CollectionExists(alias)
        if collection not in self._tables:
            raise CollectionMissing(collection)
        self._aliases[alias] = collection

    def resolve(self, alias: str) -> str | None:
        """See CodeStore."""
        return self._aliases.get(alias)

    def check_room(self, n_codes: int, more_bytes: int = 0) -> None:
        """See CodeStore."""

    def close(self) -> None:
        """See CodeStore."""

    def _table(self, name: str, bits: int | None = None) -> _Table:
        table = self._tables.get(self._aliases.get(name, name))
        if table is None:
            raise CollectionMissing(name)
        if bits is not None and bits != table.bits:
            raise CollectionMismatch(name, "bits", table.bits, bits)
        return table
