"""Another order for the nearest images: by the relaxed query, or by the backbone's features.

Only the shortlist of a search changes its order. What that gains and costs is measured each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun

DEPTH = 10  # ranks that the gain is measured on
Values = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # manifest rows (n,), least first


@dataclass(frozen=True)
class Reordered:
    """A shortlist in its new order.

    Attributes:
        order: (n,) places in the old order, best first.
        seconds: what computing it took.
        before: share of relevant images among the first ten by distance; None if unknown.
        after: the same in the new order.
    """

    order: NDArray[np.int64]
    seconds: float
    before: float | None
    after: float | None


def relaxed_values(relaxed: NDArray[np.float32], opened: OpenRun) -> Values:
    """Asymmetric distance: the query keeps its real values, stored images have bits only.

    A bit the network was sure of weighs more than one it nearly decided the other way. The value is
    the negative inner product of the relaxed query (K,) and the ±1 code.
    """

    def values(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        places = [opened.place_of[int(row)] for row in rows]
        signs = opened.database_codes[places].signs().astype(np.float32)
        return np.asarray(-(signs @ relaxed), np.float32)

    return values


def feature_values(
    query: NDArray[np.float32], read: Callable[[NDArray[np.int64]], NDArray[np.float32]]
) -> Values:
    """Negative cosine of the backbone's features (d,) and those that `read` gives (n, d)."""

    def values(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        features = np.asarray(read(rows), np.float32)
        norms = np.linalg.norm(features, axis=1) * np.linalg.norm(query)
        return np.asarray(-(features @ query) / np.maximum(norms, 1e-12), np.float32)

    return values


def reordered(
    rows: NDArray[np.int64], values: Values, relevant: NDArray[np.bool_] | None
) -> Reordered:
    """Sort a shortlist.

    Args:
        rows: (n,) manifest rows by distance.
        values: what to sort by; equal ones keep their order.
        relevant: over the manifest; None when nobody knows.
    """
    began = time.perf_counter()
    order = np.argsort(values(rows), kind="stable") if len(rows) else np.zeros(0, np.int64)
    seconds = time.perf_counter() - began
    if relevant is None or len(rows) < DEPTH:
        return Reordered(order, seconds, None, None)
    before, after = relevant[rows[:DEPTH]].mean(), relevant[rows[order[:DEPTH]]].mean()
    return Reordered(order, seconds, float(before), float(after))
