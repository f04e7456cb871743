"""Near-duplicates: pictures whose difference hashes are at most a few bits apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 4  # bits of 64
_BANDS = MAX_DISTANCE + 1  # two hashes that differ in 4 bits agree in at least one of 5 bands
_MOST_IN_BUCKET = 2000  # images that agree in a band; larger buckets are plain pictures


def near_pairs(hashes: NDArray[np.uint64]) -> list[tuple[int, int, int]]:
    """Pairs (first, second, distance) of positions, the nearest first.

    Equal hashes are compared with their first image only, so that a thousand copies of a picture
    give 999 pairs. Hashes without any edge (plain pictures) are left out: they say nothing.

    Args:
        hashes: (n,) as `difference_hash` gives them.

    Example:
        >>> near_pairs(np.array([0b1011, 0b1010, 1 << 40, 0b1011], dtype=np.uint64))
        [(0, 3, 0), (0, 1, 1), (0, 2, 4), (1, 2, 3)]
    """
    distinct, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    has_edges = distinct != 0
    pairs = {
        (int(first[index]), position): 0
        for position, index in enumerate(group)
        if has_edges[index] and first[index] != position
    }
    usable = np.flatnonzero(has_edges)
    for left, other in _candidates(distinct[usable]):
        distance = int(np.bitwise_count(distinct[usable[left]] ^ distinct[usable[other]]))
        if distance <= MAX_DISTANCE:
            low, high = sorted((int(first[usable[left]]), int(first[usable[other]])))
            pairs[low, high] = distance
    return sorted(
        ((low, high, distance) for (low, high), distance in pairs.items()),
        key=lambda pair: (pair[2], pair[:2]),
    )


def _candidates(hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Pairs of positions that agree in a band and are near enough; some more than once."""
    edges = np.linspace(0, 64, _BANDS + 1).astype(int)
    for start, end in pairwise(edges):
        mask = np.uint64((1 << int(end - start)) - 1)
        band = (hashes >> np.uint64(start)) & mask
        order = np.argsort(band, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            if 1 < len(bucket) <= _MOST_IN_BUCKET:
                bucket_hashes = hashes[bucket]
                distance = np.bitwise_count(bucket_hashes[:, None] ^ bucket_hashes[None, :])
                for left, other in np.argwhere(np.triu(distance <= MAX_DISTANCE, k=1)):
                    yield int(bucket[left]), int(bucket[other])
