"""CodeFileStore: a run's own code files as a store to read from, scanned whole for each query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.index.payloads import IndexItems
from pipeline.index.store.base import (
    CODEC,
    CollectionInfo,
    CollectionMismatch,
    CollectionMissing,
    Hit,
    Item,
    SearchResult,
    StoreError,
    Where,
    check_query,
    check_radius,
    checked_id,
)

TIE_LIMIT = 10_000  # equally distant items that are put in order by id
_BLOCK = 1 << 18  # codes that are compared at a time


class CodeFileStore:
    """The codes of one run as a CodeStore; XOR and popcount over all, payloads of hits alone.

    It answers as the published index does. Nothing can be stored in it.

    Args:
        alias: the one name that it knows.
        codes: n codes.
        items: what is known of their images.
    """

    def __init__(self, alias: str, codes: HashCodes, items: IndexItems) -> None:
        self._alias, self._items, self._bits = alias, items, codes.bits
        self._words = np.ascontiguousarray(codes.words().T)  # (words of a code, n)

    @property
    def is_embedded(self) -> bool:
        """See CodeStore."""
        return True

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
        self._check(collection, code)
        check_query(code, limit)
        check_radius(r)
        distances = self._distances(code)
        if where is not None and where != Where():
            distances[~self._items.accepted(where)] = code.bits + 1
        enough = np.cumsum(np.bincount(distances)) >= limit  # (levels,)
        boundary = int(np.argmax(enough)) if enough.any() else code.bits
        places = np.flatnonzero(distances <= min(boundary, r, code.bits))
        tied = np.flatnonzero(distances[places] == boundary)
        is_cut = len(tied) > TIE_LIMIT
        places = np.delete(places, tied[TIE_LIMIT:])
        return SearchResult(self._hits(places, distances[places], limit), tie_cut=is_cut)

    def rescored(
        self,
        collection: str,
        code: HashCodes,
        features: NDArray[np.float32],
        k: int,
        where: Where | None = None,
        r: int | None = None,
    ) -> NoReturn:
        """See CodeStore; code files keep no features."""
        from pipeline.index.store.features import NoFeatures

        raise NoFeatures(collection)

    def get(self, collection: str, ids: Sequence[str]) -> list[Item]:
        """See CodeStore."""
        self._check(collection)
        every = np.arange(len(self._items))
        place_of = dict(zip(self._items.ids(every), every.tolist(), strict=True))
        known = [id_ for id_ in map(checked_id, ids) if id_ in place_of]
        payloads = self._items.payloads(np.array([place_of[id_] for id_ in known], np.int64))
        return [Item(id_, payload) for id_, payload in zip(known, payloads, strict=True)]

    def count(self, collection: str, where: Where | None = None) -> int:
        """See CodeStore."""
        self._check(collection)
        if where is None or where == Where():
            return len(self._items)
        return int(np.count_nonzero(self._items.accepted(where)))

    def collections(self) -> list[str]:
        """See CodeStore."""
        return [self._alias]

    def info(self, name: str) -> CollectionInfo:
        """See CodeStore."""
        self._check(name)
        facts: dict[str, object] = {"bits": self._bits, "codec": CODEC}
        return CollectionInfo(self._alias, None, self._bits, len(self._items), facts)

    def metadata(self, name: str) -> dict[str, object]:
        """See CodeStore."""
        return self.info(name).metadata

    def resolve(self, alias: str) -> str | None:
        """See CodeStore."""
        return None

    def create(
        self, collection: str, bits: int, metadata: Mapping[str, object], features: object = None
    ) -> NoReturn:
        """See CodeStore; refused."""
        self._refuse()

    def add(
        self,
        collection: str,
        ids: Sequence[str],
        codes: HashCodes,
        payloads: object,
        features: object = None,
    ) -> NoReturn:
        """See CodeStore; refused."""
        self._refuse()

    def drop(self, collection: str) -> NoReturn:
        """See CodeStore; refused."""
        self._refuse()

    def publish(self, alias: str, collection: str) -> NoReturn:
        """See CodeStore; refused."""
        self._refuse()

    def check_room(self, n_codes: int, more_bytes: int = 0) -> None:
        """See CodeStore; it takes no codes."""

    def close(self) -> None:
        """See CodeStore."""

    def _check(self, name: str, code: HashCodes | None = None) -> None:
        if name != self._alias:
            raise CollectionMissing(name)
        if code is not None and code.bits != self._bits:
            raise CollectionMismatch(name, "bits", self._bits, code.bits)

    def _refuse(self) -> NoReturn:
        raise StoreError(f"'{self._alias}' is read from code files, which a run alone writes")

    def _distances(self, code: HashCodes) -> NDArray[np.uint16]:
        distances = np.zeros(self._words.shape[1], np.uint16)
        for column, word in zip(self._words, code.words()[0], strict=True):
            for start in range(0, len(column), _BLOCK):
                block = slice(start, start + _BLOCK)
                distances[block] += np.bitwise_count(column[block] ^ word)
        return distances

    def _hits(
        self, places: NDArray[np.int64], distances: NDArray[np.uint16], limit: int
    ) -> tuple[Hit, ...]:
        found = sorted(
            zip(distances.tolist(), self._items.ids(places), places.tolist(), strict=True)
        )[:limit]
        payloads = self._items.payloads(np.array([place for _, _, place in found], np.int64))
        return tuple(
            Hit(id_, distance, payload)
            for (distance, id_, _), payload in zip(found, payloads, strict=True)
        )
