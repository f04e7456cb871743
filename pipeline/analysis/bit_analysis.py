"""Lookup within a radius, and the ablation of bits: which can go without a loss of mAP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.evaluation import metrics
from pipeline.evaluation.ranking import Counts, Labels, hamming_histograms

Values = NDArray[np.float64]
MOST_QUERIES, FEWEST_QUERIES, MOST_ITEMS = 100, 30, 1000  # of the sample for the ablation of bits
_SHORT = 64  # bits up to which all of these queries are taken


def lookup(counts: Counts) -> pd.DataFrame:
    """A hash lookup at each radius: means over queries, shares in [0, 1] but for the candidates.

    Args:
        counts: (q, K + 1, G + 1) of `hamming_histograms`.

    Returns:
        Columns radius, candidates, empty, precision (empty ball 0), recall.
    """
    balls = metrics.balls(counts)
    return pd.DataFrame(
        {
            "radius": np.arange(balls.retrieved.shape[1]),
            "candidates": balls.retrieved.mean(axis=0),
            "empty": (balls.retrieved == 0).mean(axis=0),
            "precision": balls.precision.mean(axis=0),
            "recall": balls.recall.mean(axis=0),
        }
    )


def radius_for(table: pd.DataFrame, recall: float) -> int:
    """The least radius of a `lookup` table with at least this mean recall; K if none has."""
    enough = table[table["recall"] >= recall]["radius"]
    return int(enough.iloc[0]) if len(enough) else int(table["radius"].iloc[-1])


def overlap(same: NDArray[np.int64], different: NDArray[np.int64]) -> float:
    """Area in [0, 1] that two histograms of distances share; 0 would be perfect separation."""
    mine, theirs = (histogram / max(int(histogram.sum()), 1) for histogram in (same, different))
    return float(np.minimum(mine, theirs).sum())


@dataclass(frozen=True)
class BitAblation:
    """Loss of mAP without some bits, on a sample.

    Attributes:
        full: mAP with all bits.
        order: bits in the order in which they were dropped; at each step the least missed.
        course: (K,) mAP with K, K - 1, ..., 1 bits in that order.
        n_queries: queries of the sample; half of them chose, the others measured.
        n_items: items of the sample.
    """

    full: float
    order: tuple[int, ...]
    course: Values
    n_queries: int
    n_items: int

    def spare(self, loss: float) -> tuple[int, ...]:
        """The bits that can go together, in that order, before more than `loss` of mAP is lost."""
        is_too_much = self.course < self.full - loss
        n_kept = int(is_too_much.argmax()) if is_too_much.any() else len(self.course)
        return self.order[: max(n_kept - 1, 0)]


@dataclass(frozen=True, eq=False)
class BitSample:
    """A sample of queries and items, to measure what codes are worth without some bits.

    Attributes:
        queries: (q, K) ±1 bits.
        items: (n, K) ±1 bits.
        labels: multi-hot, of the queries (q, C) and of the items (n, C).
    """

    queries: NDArray[np.int8]
    items: NDArray[np.int8]
    labels: tuple[Labels, Labels]

    def map(self, kept: Sequence[int]) -> float:
        """The mAP in [0, 1] of some bits, from 0; at least one."""
        queries, items = (
            HashCodes.from_relaxed(signs[:, kept]) for signs in (self.queries, self.items)
        )
        counts = hamming_histograms(queries, items, *self.labels, threads=1)
        return float(metrics.average_precision(counts).mean())


def bit_sample(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: Labels,
    database_labels: Labels,
    *,
    seed: int = 0,
) -> BitSample:
    """Draw without replacement: at most `MOST_ITEMS` items and `MOST_QUERIES` queries.

    Fewer queries for codes beyond 64 bits, but not below `FEWEST_QUERIES`.
    """
    rng, bits = np.random.default_rng(seed), query_codes.bits
    most = max(FEWEST_QUERIES, min(MOST_QUERIES, MOST_QUERIES * _SHORT**2 // bits**2))
    queries, items = (
        np.sort(rng.permutation(n)[:limit])
        for n, limit in ((len(query_codes), most), (len(database_codes), MOST_ITEMS))
    )
    labels = query_labels[queries], database_labels[items]
    return BitSample(query_codes[queries].signs(), database_codes[items].signs(), labels)


def ablate_bits(sample: BitSample) -> BitAblation:
    """Drop one bit after the other, each time the one without which the mAP is highest.

    Half of the queries choose the bits, the other half measure what that does: measured where they
    were chosen, fewer bits would look better than they are. Every bit that is left is tried at
    every step: K bits take K²/2 measurements.
    """
    queries, items = sample.queries.T, sample.items.T  # (K, n)
    bits, n_queries = queries.shape
    query_labels, item_labels = sample.labels
    is_relevant = query_labels.astype(int) @ item_labels.T.astype(int) > 0
    place = 2 * (bits + 1) * np.arange(n_queries)[:, None] + is_relevant

    def differs(bit: int) -> NDArray[np.bool_]:
        return np.asarray(queries[bit][:, None] != items[bit])

    def choice_and_measure(distances: NDArray[np.int64]) -> tuple[float, float]:
        size = 2 * (bits + 1) * n_queries
        counts = np.bincount((place + 2 * distances).ravel(), minlength=size)
        ap = metrics.average_precision(counts.reshape(-1, bits + 1, 2))
        return float(ap[::2].mean()), float((ap[1::2] if len(ap) > 1 else ap).mean())

    distances = np.zeros(is_relevant.shape, np.int64)
    for bit in range(bits):
        distances += differs(bit)
    order: list[int] = []
    course = [choice_and_measure(distances)[1]]
    while len(order) < bits:
        left = [bit for bit in range(bits) if bit not in order]
        outcomes = [choice_and_measure(distances - differs(bit)) for bit in left]
        best = max(range(len(left)), key=lambda place: outcomes[place][0])
        order.append(left[best])
        distances -= differs(order[-1])
        course.append(outcomes[best][1])
    return BitAblation(
        course[0], tuple(order), np.array(course[:bits]), n_queries, len(sample.items)
    )
