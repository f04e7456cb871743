"""Evaluator speed: all metrics of HashLens against a plain numpy argsort evaluator of mAP alone.

Run from the root: python -m benchmarks.bench_evaluation
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.ranking import Labels

N_QUERY, N_DATABASE, BITS = 1_000, 59_000, 64


def clustered(rng: np.random.Generator, labels: Labels, centres: NDArray[Any]) -> HashCodes:
    """Codes around the sum of the centres of an item's labels, with noise."""
    return HashCodes.from_relaxed(labels @ centres + 1.3 * rng.standard_normal((len(labels), BITS)))


def argsort_average_precision(
    query_codes: HashCodes, database_codes: HashCodes, query_labels: Labels, database_labels: Labels
) -> NDArray[np.float64]:
    """The peer: distances of ±1 codes by matrix product, a stable argsort a query, AP@all."""
    queries, database = (c.signs().astype(np.float32) for c in (query_codes, database_codes))
    scores = np.zeros(len(queries))
    for first in range(0, len(queries), 100):
        distances = (BITS - queries[first : first + 100] @ database.T) / 2
        relevance = query_labels[first : first + 100].astype(np.float32) @ database_labels.T > 0
        for row, (distance, relevant) in enumerate(zip(distances, relevance, strict=True), first):
            ranks = np.flatnonzero(relevant[np.argsort(distance, kind="stable")]) + 1
            if len(ranks):
                scores[row] = (np.arange(1, len(ranks) + 1) / ranks).mean()
    return scores


def seconds(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Best wall time of a few runs, and the last result."""
    times, result = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return min(times), result


def measure(name: str, query_labels: Labels, database_labels: Labels) -> str:
    """One row of the table; checks on the way that both evaluators agree."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((query_labels.shape[1], BITS))
    query_codes = clustered(rng, query_labels, centres)
    database_codes = clustered(rng, database_labels, centres)
    sets = (query_codes, database_codes, query_labels, database_labels)

    peer_s, scores = seconds(lambda: argsort_average_precision(*sets), repeats=2)
    ours_s, evaluation = seconds(lambda: evaluate(*sets, PROTOCOLS["cifar10-59k"]), repeats=5)

    report = evaluation.report
    assert report.map_worst <= scores.mean() <= report.map_best, "the evaluators disagree"
    return f"| {name} | {peer_s:.2f} | {ours_s:.3f} | {peer_s / ours_s:.1f} |"


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(1)
    one_hot = np.eye(10, dtype=bool)
    print(f"{N_QUERY:,} queries, {N_DATABASE:,} database items, {BITS} bits\n")
    print("| labels | argsort, mAP only (s) | HashLens, all metrics (s) | ratio |")
    print("| --- | --- | --- | --- |")
    single = [one_hot[rng.integers(10, size=n)] for n in (N_QUERY, N_DATABASE)]
    print(measure("10 classes", *single))
    multi = [rng.random((n, 18)) < 0.12 for n in (N_QUERY, N_DATABASE)]
    print(measure("18 labels, about 2 an item", *multi))


if __name__ == "__main__":
    main()
