"""Embedded store against plain numpy, in one run: `python -m benchmarks.bench_store [items]`.

60,000 clustered codes of 64 bits (100 classes, 8 % of an item's bits flipped), the top 100 of 200
queries. Absolute times depend on the machine and its load; the ratio is what to look at.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.index.store.base import Where
from pipeline.index.store.opening import open_store

BITS, N_CLASSES, FLIP, N_QUERIES, K = 64, 100, 0.08, 200, 100


def clustered(n: int, seed: int) -> tuple[HashCodes, NDArray[np.int64]]:
    """N codes scattered around one codeword per class, and their classes."""
    centres = np.random.default_rng(0).integers(0, 2, (N_CLASSES, BITS), np.uint8)
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, N_CLASSES, n)
    flips = (generator.random((n, BITS)) < FLIP).astype(np.uint8)
    return HashCodes(np.packbits(centres[classes] ^ flips, axis=1), BITS), classes


def brute_force(database: NDArray[np.uint64], query: np.uint64) -> list[int]:
    """The K smallest distances by XOR and popcount."""
    distances = np.bitwise_count(database ^ query)
    return np.sort(np.partition(distances, K - 1)[:K]).tolist()


def timed(search: Callable[[int], list[int]]) -> tuple[list[list[int]], NDArray[np.float64]]:
    """Distances and milliseconds of every query."""
    found, times = [], []
    for query in range(N_QUERIES):
        start = time.perf_counter()
        found.append(search(query))
        times.append((time.perf_counter() - start) * 1000)
    return found, np.array(times)


def main(n: int) -> None:
    """Measure and print."""
    codes, classes = clustered(n, seed=1)
    queries, _ = clustered(N_QUERIES, seed=2)
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"bench:{i}")) for i in range(n)]
    payloads = [
        {"image_id": str(i), "uri": f"{i}.png", "labels": [f"class {c}"], "split": "database"}
        for i, c in enumerate(classes)
    ]
    words, asked = codes.words()[:, 0], queries.words()[:, 0]
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(None, Path(folder))
        store.create("bench", BITS, {})
        start = time.perf_counter()
        store.add("bench", ids, codes, payloads)
        ingest_s = time.perf_counter() - start

        def nearest(query: int, where: Where | None = None) -> list[int]:
            result = store.search("bench", queries[query : query + 1], K, where)
            assert not result.tie_cut
            return [hit.distance for hit in result.hits]

        truth, plain_ms = timed(lambda query: brute_force(words, asked[query]))
        found, store_ms = timed(nearest)
        _, filtered_ms = timed(
            lambda query: nearest(query, Where(labels=(f"class {query % 100}",)))
        )
        store.close()
    n_exact = sum(a == b for a, b in zip(found, truth, strict=True))
    print(f"{n:,} items, {BITS} bits, top {K}, {N_QUERIES} queries; ingest {ingest_s:.1f} s")
    print(f"{'':24}{'p50 ms':>8}{'p95 ms':>8}{'x numpy':>9}")
    for name, ms in (
        ("numpy XOR + popcount", plain_ms),
        ("embedded store", store_ms),
        ("  one label (1 %)", filtered_ms),
    ):
        p50, p95 = np.percentile(ms, (50, 95))
        print(f"{name:24}{p50:8.2f}{p95:8.2f}{p50 / np.median(plain_ms):9.1f}")
    print(f"distances equal to brute force: {n_exact} of {N_QUERIES} queries")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
