"""Evaluation: all metrics of a ranking, and the nearest images by the cosine of features."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.frame import Case, Figures, Subject, Work
from models.codes import HashCodes
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.neighbours import nearest_by_cosine
from pipeline.evaluation.ranking import DATABASE_BLOCK, Labels, unit_length

QUERIES, BITS, WIDTH, TOP = 1_000, 64, 256, 10
LABELS: dict[str, Callable[[np.random.Generator, int], Labels]] = {
    "10 classes": lambda rng, n: np.eye(10, dtype=bool)[rng.integers(10, size=n)],
    "18 labels, about 2 per image": lambda rng, n: rng.random((n, 18)) < 0.12,
}
_BLOCK = 8192  # images of a matrix product
_BATCH = 100  # queries that the peer compares at a time


def prepare(size: int, folder: Path) -> None:
    """Codes around the sum of the centres of an image's labels, and clustered features."""
    for name, labels in LABELS.items():
        rng = np.random.default_rng(0)
        parts = [labels(rng, n) for n in (QUERIES, size)]
        centres = rng.standard_normal((parts[0].shape[1], BITS))
        codes = [
            HashCodes.from_relaxed(part @ centres + 1.3 * rng.standard_normal((len(part), BITS)))
            for part in parts
        ]
        np.savez(folder / f"{name}.npz", *parts, *(one.packed for one in codes))
    rng = np.random.default_rng(1)
    for name, n in (("queries", QUERIES), ("items", size)):
        np.save(folder / f"{name}.npy", rng.standard_normal((n, WIDTH), np.float32))


def _read(name: str, folder: Path) -> tuple[HashCodes, HashCodes, Labels, Labels]:
    with np.load(folder / f"{name}.npz") as file:
        labels, packed = (file["arr_0"], file["arr_1"]), (file["arr_2"], file["arr_3"])
    return HashCodes(packed[0], BITS), HashCodes(packed[1], BITS), *labels


def ours(name: str, _size: int, folder: Path) -> Work:
    """Every metric, with intervals and curves."""
    sets = _read(name, folder)

    def work() -> Figures:
        report = evaluate(*sets, PROTOCOLS["cifar10-59k"], threads=1).report
        return {"count": QUERIES, "mAP %": 100 * (report.values["map"] or 0)}

    return work


def argsort(name: str, _size: int, folder: Path) -> Work:
    """Distances of ±1 codes by matrix product, a stable argsort per query, AP@all."""
    query_codes, database_codes, query_labels, database_labels = _read(name, folder)

    def work() -> Figures:
        queries, database = (c.signs().astype(np.float32) for c in (query_codes, database_codes))
        labels, scores = database_labels.T.astype(np.float32), []
        for first in range(0, QUERIES, _BATCH):
            distances = (BITS - queries[first : first + _BATCH] @ database.T) / 2
            relevance = query_labels[first : first + _BATCH].astype(np.float32) @ labels > 0
            for distance, relevant in zip(distances, relevance, strict=True):
                ranks = np.flatnonzero(relevant[np.argsort(distance, kind="stable")]) + 1
                scores.append((np.arange(1, len(ranks) + 1) / ranks).mean() if len(ranks) else 0.0)
        return {"count": QUERIES, "mAP %": 100 * float(np.mean(scores))}

    return work


Count = Callable[[NDArray[np.uint8]], NDArray[np.int64]]


def by_torch(distance: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Images at each distance, by the faster of the two histograms."""
    return torch.bincount(torch.from_numpy(distance), minlength=BITS + 1).numpy()


def by_numpy(distance: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The same by numpy."""
    return np.bincount(distance, minlength=BITS + 1)


def histogram(name: str, count: Count, _size: int, folder: Path) -> Work:
    """Distances by XOR and popcount, and how many images lie at each."""
    query_codes, database_codes, *_ = _read(name, folder)
    queries, database = (codes.words()[:, 0] for codes in (query_codes, database_codes))

    def work() -> Figures:
        counts = np.zeros((QUERIES, BITS + 1), np.int64)
        for start in range(0, len(database), DATABASE_BLOCK):
            block = database[start : start + DATABASE_BLOCK]
            differing = np.empty_like(block)
            for row, query in enumerate(queries):
                counts[row] += count(np.bitwise_count(np.bitwise_xor(block, query, out=differing)))
        assert (counts.sum(axis=1) == len(database)).all()
        return {"count": QUERIES}

    return work


def _features(folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    queries, items = (np.load(folder / f"{name}.npy") for name in ("queries", "items"))
    return unit_length(queries), unit_length(items)


def cosine(_size: int, folder: Path) -> Work:
    """The ten nearest of each query."""
    queries, items = _features(folder)

    def work() -> Figures:
        nearest = nearest_by_cosine(queries, items, TOP)
        assert nearest.shape == (QUERIES, TOP)
        return {"count": QUERIES}

    return work


def faiss_flat(_size: int, folder: Path) -> Work:
    """The same by faiss's exact index."""
    queries, items = _features(folder)
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(items)

    def work() -> Figures:
        index.search(queries, TOP)
        return {"count": QUERIES}

    return work


def product(_size: int, folder: Path) -> Work:
    """All cosines, and nothing kept of them."""
    queries, items = _features(folder)

    def work() -> Figures:
        for start in range(0, len(items), _BLOCK):
            queries @ items[start : start + _BLOCK].T
        return {"count": QUERIES}

    return work


_NEAREST = f"The {TOP} nearest by cosine"
SUBJECT = Subject(
    name="evaluation",
    title="Evaluation",
    protocol=(
        f"{QUERIES:,} queries, as many images in the database as the size says, codes of {BITS} "
        "bits. *All metrics* is a whole report: mAP with its interval, precision, recall, NDCG, "
        "ACG, balls, curves and code statistics, from histograms of distance and shared labels. "
        f"*{_NEAREST}* is what Neighbours@{TOP} counts against: exact, {WIDTH} values per image."
    ),
    peer="a plain numpy evaluator that sorts each query's ranking and computes mAP alone; faiss's "
    "exact index (`IndexFlatIP`) for the nearest.",
    bound="XOR, popcount and a histogram of distances, without labels and metrics (by torch, whose "
    "`bincount` the evaluator uses too; by numpy for comparison); the bare matrix product.",
    unit="queries",
    prepare=prepare,
    cases=(
        *(
            case
            for name in LABELS
            for case in (
                Case("HashLens, all metrics", "ours", partial(ours, name), name),
                Case("numpy argsort, mAP alone", "peer", partial(argsort, name), name),
                *(
                    Case(f"XOR + popcount + histogram ({library})", "bound", work, name)
                    for library, work in (
                        ("torch", partial(histogram, name, by_torch)),
                        ("numpy", partial(histogram, name, by_numpy)),
                    )
                ),
            )
        ),
        Case("HashLens", "ours", cosine, _NEAREST),
        Case("faiss, exact", "peer", faiss_flat, _NEAREST),
        Case("matrix product", "bound", product, _NEAREST),
    ),
)
