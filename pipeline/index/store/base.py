"""CodeStore: what every store of hash codes can do, its values and its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes

if TYPE_CHECKING:
    from pipeline.index.store.features import FeatureVectors

Payload = dict[str, object]

CODEC = "pm1-dot"  # how codes become vectors: one ±1 per bit, compared by dot product
INDEXED_FIELDS = ("labels", "split", "words")  # payload fields that can be filtered
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,199}")


class StoreError(Exception):
    """Something went wrong between the product and its store of hash codes."""


class StoreUnavailable(StoreError):  # noqa: N818 - the name says what is wrong
    """The store cannot be reached, does not answer in time, is locked, or lacks nodes it needs.

    `summary` says which in a few words.
    """

    def __init__(self, message: str, summary: str = "Index not responding") -> None:
        super().__init__(message)
        self.summary = summary


class StoreRefused(StoreUnavailable):
    """The server answers but does not accept the API key."""


class CollectionMissing(StoreError):  # noqa: N818 - the name says what is wrong
    """No collection or alias has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no collection or alias is called '{name}'; build the index first")


class CollectionExists(StoreError):  # noqa: N818 - the name says what is wrong
    """The name for a new collection is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' exists already; drop it first or choose another version")


class CollectionMismatch(StoreError):  # noqa: N818 - the name says what is wrong
    """A collection was built with other codes than the ones in hand."""

    def __init__(self, name: str, differing: str, stored: object, wanted: object) -> None:
        super().__init__(
            f"collection '{name}' was built with {differing}={stored!r}, not {wanted!r}; "
            "rebuild the index or load the model that built it"
        )
        self.field = differing


@dataclass(frozen=True)
class Where:
    """Filter of the items to keep.

    Attributes:
        labels: those that have any of these; empty: all.
        split: those of this part; None: of any.
        words: those that have all of these, as `words_of` gives them.
    """

    labels: tuple[str, ...] = ()
    split: str | None = None
    words: tuple[str, ...] = ()

    def accepts(self, payload: Payload) -> bool:
        """Whether an item with this payload passes."""
        has_label = not self.labels or bool({*self.labels} & {*field_values(payload, "labels")})
        has_words = {*self.words} <= {*field_values(payload, "words")}
        return has_label and has_words and self.split in (None, payload.get("split"))


@dataclass(frozen=True)
class Hit:
    """One item found.

    Attributes:
        id: UUID.
        distance: exact Hamming distance to the query.
        payload: that it was stored with.
        cosine: of its stored features to the query's; None unless the store rescored.
    """

    id: str
    distance: int
    payload: Payload
    cosine: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """Hits by (distance, id).

    Attributes:
        hits: the nearest items, at most as many as were asked for.
        tie_cut: False: every item as near as the last hit was looked at, so the hits are the same
            in every store. True: too many items are as near as the last hit; which of them are
            shown is chance.
    """

    hits: tuple[Hit, ...]
    tie_cut: bool = False


@dataclass(frozen=True)
class Item:
    """One stored item, without a query to be distant from."""

    id: str
    payload: Payload


@dataclass(frozen=True)
class CollectionInfo:
    """Facts about a collection.

    Attributes:
        name: name of the collection, never an alias.
        alias: an alias that points at it, None when unpublished.
        bits: code length.
        count: number of items.
        metadata: metadata that `create` was given, plus bits and codec.
        created: metadata["created"], "" when the creator gave none.
    """

    name: str
    alias: str | None
    bits: int
    count: int
    metadata: dict[str, object] = field(default_factory=dict)
    created: str = ""


class CodeStore(Protocol):
    """A store of hash codes with payloads, in named collections that aliases publish.

    `collection` may be an alias wherever items are read. All methods raise StoreUnavailable when
    the store does not answer, CollectionMissing for an unknown name, CollectionMismatch for codes
    of another length, and ValueError for a malformed argument.
    """

    @property
    def is_embedded(self) -> bool:
        """Whether this process itself searches, rather than a server."""

    def create(
        self,
        collection: str,
        bits: int,
        metadata: Mapping[str, object],
        features: FeatureVectors | None = None,
    ) -> None:
        """Make an empty collection; CollectionExists when the name is taken.

        Args:
            collection: lower-case letters, digits, _ and -.
            bits: code length.
            metadata: JSON values kept with it: model, weights hash, data set, `created`.
            features: how features are kept beside the codes; None: codes alone.
        """

    def add(
        self,
        collection: str,
        ids: Sequence[str],
        codes: HashCodes,
        payloads: Sequence[Payload],
        features: NDArray[np.float32] | None = None,
    ) -> None:
        """Store items under UUIDs; an id stored before is replaced, so a call can be repeated.

        Args:
            collection: by name.
            ids: UUIDs (n).
            codes: (n) of as many bits as the collection's.
            payloads: (n) of plain JSON.
            features: (n, d) where the collection keeps features, and only there.
        """

    def search(
        self, collection: str, code: HashCodes, k: int, where: Where | None = None
    ) -> SearchResult:
        """The k items nearest to one code."""

    def radius(
        self,
        collection: str,
        code: HashCodes,
        r: int,
        where: Where | None = None,
        limit: int = 1000,
    ) -> SearchResult:
        """The items at distance <= r; the nearest `limit` of them when there are more."""

    def rescored(
        self,
        collection: str,
        code: HashCodes,
        features: NDArray[np.float32],
        k: int,
        where: Where | None = None,
        r: int | None = None,
    ) -> SearchResult:
        """The k items nearest to one code, each with the cosine of its stored features.

        They come by (distance, id) as from `search`; within distance r where it is given.

        Args:
            collection: by name or alias.
            code: one code.
            features: (d,) of the query, as the backbone gives them.
            k: number of items.
            where: filter.
            r: largest distance; None: any.

        Raises:
            NoFeatures: the collection keeps none.
        """

    def get(self, collection: str, ids: Sequence[str]) -> list[Item]:
        """The items with these ids in the order asked, without those that are not stored."""

    def count(self, collection: str, where: Where | None = None) -> int:
        """Number of items that pass."""

    def drop(self, collection: str) -> None:
        """Delete a collection (by its own name) and its aliases."""

    def collections(self) -> list[str]:
        """Names of all collections, sorted, without aliases."""

    def info(self, name: str) -> CollectionInfo:
        """Facts about a collection, by its name or an alias."""

    def metadata(self, name: str) -> dict[str, object]:
        """What `info` has as metadata; no embedded collection is opened for it."""

    def publish(self, alias: str, collection: str) -> None:
        """Point `alias` at `collection` in one step: readers see the old or the new, never none."""

    def resolve(self, alias: str) -> str | None:
        """The collection an alias points at, None for an unknown alias."""

    def check_room(self, n_codes: int, more_bytes: int = 0) -> None:
        """Raise an OSError where this machine's disk has no room for so many more codes.

        `more_bytes` are those of features beside each; a server looks after its own disk.
        """

    def close(self) -> None:
        """Release files and connections."""


def require_match(name: str, stored: Mapping[str, object], expected: Mapping[str, object]) -> None:
    """Check that a collection was built with what is loaded now.

    Args:
        name: of the collection.
        stored: its metadata.
        expected: metadata fields ("bits", "codec", "model", ...) and the values they must have.

    Raises:
        CollectionMismatch: names the first field that differs.
    """
    for field_name, wanted in expected.items():
        if stored.get(field_name) != wanted:
            raise CollectionMismatch(name, field_name, stored.get(field_name), wanted)


def checked_name(name: str) -> str:
    """A collection or alias name that every backend accepts, or a ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' is no collection name: use up to 200 of a-z, 0-9, _ and -, "
            "starting with a letter or digit"
        )
    return name


def checked_items(
    ids: Sequence[str], codes: HashCodes, payloads: Sequence[Payload]
) -> list[tuple[str, Payload]]:
    """Canonical ids beside payloads, or a ValueError naming the first that is no plain JSON."""
    if not len(ids) == len(codes) == len(payloads):
        raise ValueError(
            f"ids, codes and payloads must be equally many, "
            f"got {len(ids)}, {len(codes)} and {len(payloads)}"
        )
    for id_, payload in zip(ids, payloads, strict=True):
        _check_plain(id_, payload)
    return [*zip(map(checked_id, ids), payloads, strict=True)]


def checked_id(id_: str) -> str:
    """The UUID in canonical form, whose text order is the id order of all backends."""
    try:
        return str(UUID(id_))
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"item ids must be UUID strings, got {id_!r}") from error


def check_query(code: HashCodes, limit: int) -> None:
    """Raise ValueError unless there is one code and room for at least one hit."""
    if len(code) != 1:
        raise ValueError(f"search takes one code at a time, got {len(code)}")
    if limit < 1:
        raise ValueError(f"the number of items asked for must be at least 1, got {limit}")


def check_radius(r: int) -> None:
    """Raise ValueError for a negative radius."""
    if r < 0:
        raise ValueError(f"a Hamming radius must be at least 0, got {r}")


def _check_plain(id_: str, payload: Payload) -> None:
    try:
        json.dumps(payload, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the payload of {id_} is not plain JSON: {error}") from error


def field_values(payload: Payload, field: str) -> list[str]:
    """The distinct values of a payload field that holds one value or a list of them."""
    value = payload.get(field)
    if value is None:
        return []
    return sorted({str(item) for item in value}) if isinstance(value, list) else [str(value)]
