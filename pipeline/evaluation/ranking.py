"""Hamming rankings without sorting: per query, how many database items lie at each distance.

Metrics need no order inside a distance (ties are averaged), so a ranking is a small histogram:

    counts[q, level, g]   items of query q's ranking at `level` that share g labels with the query

Levels are met in order; the items of one level are tied. For hash codes a level is a Hamming
distance. For real values it is a similarity, see `similarity_histograms`. `ranked` lists the
nearest items themselves; there, and only there, ties go by database position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes

Counts = NDArray[np.int64]  # (q, levels, G + 1)
Labels = NDArray[np.bool_]  # (n, C)
Similarities = NDArray[np.floating[Any]]  # (b, n)
OnProgress = Callable[[int, int], None]  # queries done, queries in all

DATABASE_BLOCK = 1 << 16  # items per step: the work arrays then stay in the cache
QUERY_BLOCK = 64  # queries per task and progress report
_FEATURE_BLOCK = 8192  # features of the database in memory at a time
_SIMILARITIES = 16_000_000  # that are computed for each time that the database is read
_CELLS = 2_000_000  # of a histogram that is counted at a time
COSINE_STEP = 2.0**-20  # similarities closer than this (float32 rounding) count as tied


def hamming_histograms(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: Labels,
    database_labels: Labels,
    *,
    block: int = DATABASE_BLOCK,
    threads: int = 2,
    on_progress: OnProgress | None = None,
) -> Counts:
    """Count database items by Hamming distance and number of shared labels, for every query.

    Args:
        query_codes: q codes of K bits.
        database_codes: n codes of K bits.
        query_labels: (q, C) multi-hot.
        database_labels: (n, C) multi-hot.
        block: database items compared at a time; bounds the memory, not the result.
        threads: queries are shared out among this many; numpy releases the interpreter lock.
        on_progress: called in the calling thread after every few queries with (done, q).

    Returns:
        (q, K + 1, G + 1) counts; G is the most labels a pair could share. Each query's counts sum
        to n.

    Raises:
        ValueError: the code lengths differ.
    """
    _check_same_bits(query_codes, database_codes)
    width = max_shared(query_labels, database_labels) + 1
    queries = _Words.of(query_codes, query_labels)
    database = _Words.of(database_codes, database_labels)
    order = np.lexsort(queries.labels)  # queries with equal labels follow each other
    counts = np.zeros((len(order), query_codes.bits + 1, width), np.int64)

    def count(first: int) -> int:
        rows = order[first : first + QUERY_BLOCK]
        for start in range(0, len(database_codes), block):
            _count_into(counts, queries, database.part(start, start + block), rows)
        return first + len(rows)

    with ThreadPoolExecutor(threads) as pool:
        for done in pool.map(count, range(0, len(order), QUERY_BLOCK)):
            if on_progress:
                on_progress(done, len(order))
    return counts


class FeatureRows(Protocol):
    """Features (n, d) that are read a block of rows at a time; an array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating[Any]]:
        """The features of a block."""


def cosine_histograms(
    query_features: NDArray[np.floating[Any]],
    database_features: FeatureRows,
    query_labels: Labels,
    database_labels: Labels,
    *,
    cells: int = _CELLS,
) -> Iterator[Counts]:
    """Count database items by the cosine of features, a block of queries at a time.

    As `similarity_histograms` of `cosine_similarities`.
    """
    similarities = cosine_similarities(query_features, database_features)
    for counts, _ in similarity_histograms(
        similarities, query_labels, database_labels, cells=cells
    ):
        yield counts


def cosine_similarities(
    query_features: NDArray[np.floating[Any]], database_features: FeatureRows
) -> Iterator[Similarities]:
    """Cosines (b, n) of successive queries and the database, which is read a block at a time.

    A zero vector has similarity 0 to everything.

    Args:
        query_features: (q, d).
        database_features: (n, d), of which a block is in memory at a time.

    Raises:
        ValueError: a feature is not a finite number.
    """
    return _products(unit_length(np.asarray(query_features, np.float32)), database_features, _unit)


def inner_products(
    query_features: NDArray[np.floating[Any]], database_features: FeatureRows
) -> Iterator[Similarities]:
    """Inner products (b, n), as `cosine_similarities` but of vectors as they are."""
    return _products(query_features, database_features, lambda block: block)


def _products(
    queries: NDArray[np.floating[Any]],
    database_features: FeatureRows,
    prepared: Callable[[NDArray[Any]], NDArray[Any]],
) -> Iterator[Similarities]:
    n = database_features.shape[0]
    rows = max(1, _SIMILARITIES // n)
    for first in range(0, len(queries), rows):
        some = queries[first : first + rows]
        similarities = np.empty((len(some), n), queries.dtype)
        for start in range(0, n, _FEATURE_BLOCK):
            block = prepared(database_features[start : start + _FEATURE_BLOCK])
            similarities[:, start : start + len(block)] = some @ block.T
        yield similarities


def similarity_histograms(
    similarities: Iterable[Similarities],
    query_labels: Labels,
    database_labels: Labels,
    *,
    nearest: NDArray[np.int64] | None = None,
    cells: int = _CELLS,
) -> Iterator[tuple[Counts, Counts | None]]:
    """Count database items by similarity, most similar first, a block of queries at a time.

    Every distinct similarity is a level of its own (up to `COSINE_STEP`), so nearly all levels hold
    one item and the metrics of hash codes apply unchanged.

    Args:
        similarities: (b, n) of successive queries to the database; the greatest come first.
        query_labels: (q, C) multi-hot.
        database_labels: (n, C) multi-hot.
        nearest: (q, k) positions in the database of each query's neighbours; None: not counted.
        cells: most entries of a yielded block; bounds the memory, not the result.

    Yields:
        (b, levels, G + 1) counts of the next b queries; levels differ between blocks, unused ones
        are empty. And (b, levels, 2) counts of the same items, the others and the neighbours.

    Raises:
        ValueError: a similarity is not a finite number.
    """
    width = max_shared(query_labels, database_labels) + 1
    database_hot = database_labels.T.astype(np.float32)
    rows = max(1, cells // (len(database_labels) * width))
    first = 0
    for block in similarities:
        for start in range(0, len(block), rows):
            similarity = block[start : start + rows]  # (b, n)
            if not np.isfinite(similarity).all():
                raise ValueError("similarities contain NaN or infinite values")
            those = slice(first, first + len(similarity))
            shared = (query_labels[those].astype(np.float32) @ database_hot).astype(np.int64)
            kinds = 2 * shared  # (b, n): twice the shared labels, and 1 more for a neighbour
            if nearest is not None:
                kinds[np.arange(len(kinds))[:, None], nearest[those]] += 1
            level = np.rint((1 - similarity.astype(np.float64)) / COSINE_STEP).astype(np.int64)
            ordered = np.sort(level * (2 * width) + kinds, axis=1)  # no argsort
            counts = _count_levels(ordered // (2 * width), ordered % (2 * width), 2 * width)
            both = counts.reshape(*counts.shape[:2], width, 2)
            yield both.sum(axis=3), None if nearest is None else both.sum(axis=2)
            first += len(similarity)


def ranked(
    query_codes: HashCodes, database_codes: HashCodes, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The k nearest database items of every query, by (distance, database position).

    Returns:
        indices (q, min(k, n)) into the database, and their Hamming distances, same shape.

    Raises:
        ValueError: k is below 1, or the code lengths differ.
    """
    _check_same_bits(query_codes, database_codes)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    k = min(k, len(database_codes))
    kind = np.min_scalar_type(query_codes.bits)
    queries, database = _words(query_codes.packed), _words(database_codes.packed)
    indices = np.empty((len(query_codes), k), np.int64)
    distances = np.empty((len(query_codes), k), np.int32)
    for query in range(len(query_codes)):
        distance = _popcount(np.bitwise_xor, queries[:, query], database, kind)
        radius = np.searchsorted(np.cumsum(np.bincount(distance)), k)  # smallest ball holding k
        near = np.flatnonzero(distance <= radius)
        nearest = near[np.argsort(distance[near], kind="stable")[:k]]
        indices[query], distances[query] = nearest, distance[nearest]
    return indices, distances


def max_shared(query_labels: Labels, database_labels: Labels) -> int:
    """Largest number G of labels that a query could share with a database item, at least 1."""
    most = min(int(labels.sum(axis=1).max(initial=0)) for labels in (query_labels, database_labels))
    return max(1, most)


def _check_same_bits(query_codes: HashCodes, database_codes: HashCodes) -> None:
    if query_codes.bits != database_codes.bits:
        raise ValueError(
            f"query codes have {query_codes.bits} bits but database codes have "
            f"{database_codes.bits}; encode both with the same method"
        )


class _Words(NamedTuple):
    """Codes and labels of n items as machine words, word axis first: (w, n)."""

    codes: NDArray[Any]
    labels: NDArray[Any]

    @classmethod
    def of(cls, codes: HashCodes, labels: Labels) -> _Words:
        return cls(_words(codes.packed), _words(np.packbits(labels, axis=1)))

    def part(self, start: int, stop: int) -> _Words:
        return _Words(self.codes[:, start:stop], self.labels[:, start:stop])


def _count_into(counts: Counts, queries: _Words, database: _Words, rows: NDArray[np.int64]) -> None:
    """Add a part of the database to the rows of `counts`; other threads fill other rows."""
    _, levels, width = counts.shape
    n_cells = levels * width
    # The narrowest type keeps the arithmetic fast; of unsigned ones torch counts 8 bits alone.
    kind = np.min_scalar_type(n_cells if n_cells < 256 else -n_cells)
    differing = np.empty_like(database.codes[0])  # memory that is asked for once is faster
    for _, same in groupby(rows, key=lambda query: queries.labels[:, query].tolist()):
        group = list(same)
        shared = _popcount(np.bitwise_and, queries.labels[:, group[0]], database.labels, kind)
        shared *= kind.type(levels)
        for query in group:
            mine = queries.codes[:, query]
            cell = _popcount(np.bitwise_xor, mine, database.codes, kind, differing)
            cell += shared
            counts[query] += _histogram(cell, n_cells).reshape(width, levels).T


def _histogram(cells: NDArray[Any], n: int) -> Counts:
    """How often (n,) each of n values occurs; twice as fast as `np.bincount`, which widens them."""
    import torch  # heavy: not loaded by commands that count nothing

    counts: Counts = torch.bincount(torch.from_numpy(cells), minlength=n).numpy()
    return counts


def _words(packed: NDArray[np.uint8]) -> NDArray[Any]:
    """Packed rows (n, bytes) as words (w, n) of the narrowest unsigned type, zero-padded."""
    size = min(8, 1 << (packed.shape[1] - 1).bit_length())
    padded = np.zeros((len(packed), -(-packed.shape[1] // size) * size), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(padded.view(f"u{size}").T)


def _popcount(
    operation: np.ufunc,
    query: NDArray[Any],
    database: NDArray[Any],
    kind: np.dtype[Any],
    scratch: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Ones (m,) in `operation` of a query's words (w,) and the database's (w, m)."""
    ones = np.bitwise_count(operation(database[0], query[0], out=scratch))
    total: NDArray[Any] = ones.astype(kind, copy=False)
    for mine, theirs in zip(query[1:], database[1:], strict=True):
        total += np.bitwise_count(operation(theirs, mine, out=scratch))
    return total


def unit_length(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (n, d) scaled to length 1; zero rows stay zero.

    Raises:
        ValueError: a feature is not a finite number.
    """
    return _unit(features)


def _unit(features: NDArray[Any]) -> NDArray[np.float32]:
    features = np.asarray(features, np.float32)
    return np.asarray(features / _norms(features)[:, None], np.float32)


def _norms(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lengths (n,) of the rows; 1 for zero rows."""
    norms = np.linalg.norm(features, axis=1).astype(np.float32)
    if not np.isfinite(norms).all():
        raise ValueError("features contain NaN or infinite values; check the backbone's output")
    return np.where(norms > 0, norms, np.float32(1))


def _count_levels(level: Counts, shared: Counts, width: int) -> Counts:
    """Counts (b, levels, width) from sorted level keys and shared-label counts, both (b, n)."""
    index = np.zeros_like(level)
    np.cumsum(level[:, 1:] != level[:, :-1], axis=1, out=index[:, 1:])
    n_levels = int(index.max()) + 1
    row = np.arange(len(level))[:, None]
    cell = (row * n_levels + index) * width + shared
    counts = np.bincount(cell.ravel(), minlength=len(level) * n_levels * width)
    return counts.reshape(len(level), n_levels, width)
