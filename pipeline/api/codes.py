"""Codes searched exactly and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.api.arrays import Codes, codes_of, multi_hot
from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.ranking import ranked
from pipeline.evaluation.report import Report


@dataclass(frozen=True)
class Nearest:
    """What a search found.

    Attributes:
        ids: (q, k) of the nearest items, the best first; equally near ones in their order.
        distances: (q, k) bits that differ.
        is_cut: (q,) whether more items lie at the last distance than are among the k.
    """

    ids: NDArray[Any]
    distances: NDArray[np.int32]
    is_cut: NDArray[np.bool_]


class Index:
    """Codes that are searched exactly, by Hamming distance.

    Args:
        codes: (n, bytes) packed.
        ids: n names of these; None: 0 to n - 1.
        bits: code length; None: all bits of the bytes.

    Raises:
        ValueError: codes and ids do not fit each other, or the codes are not packed.
    """

    def __init__(
        self, codes: Codes, ids: Sequence[Any] | None = None, *, bits: int | None = None
    ) -> None:
        self._codes = codes_of(codes, bits)
        self._ids = np.arange(len(self._codes)) if ids is None else np.asarray(ids)
        if self._ids.shape != (len(self._codes),):
            raise ValueError(f"{len(self._codes)} codes need as many ids, got {self._ids.shape}")

    def search(self, queries: Codes, k: int = 10) -> Nearest:
        """The k nearest items of each query (q, bytes).

        Raises:
            ValueError: k is below 1, or the code lengths differ.
        """
        asked = codes_of(queries, self._codes.bits)
        places, distances = ranked(asked, self._codes, k + 1)
        is_cut = np.zeros(len(places), bool)
        if places.shape[1] > k:
            is_cut = distances[:, k] == distances[:, k - 1]
        return Nearest(self._ids[places[:, :k]], distances[:, :k], is_cut)

    def __len__(self) -> int:
        return len(self._codes)


def evaluate_codes(
    query_codes: Codes,
    database_codes: Codes,
    query_labels: ArrayLike,
    database_labels: ArrayLike,
    *,
    cutoff: int | None = None,
    bits: int | None = None,
) -> Report:
    """Measure how well codes find what shares a label, averaged over the order of equally near.

    Args:
        query_codes: (q, bytes) packed.
        database_codes: (n, bytes) packed.
        query_labels: (q,) labels, or (q, C) bool.
        database_labels: (n,) labels, or (n, C) bool.
        cutoff: ranks R of mAP@R; None: all.
        bits: code length; None: all bits of the bytes.

    Returns:
        The report: `map`, its interval `ci_low` to `ci_high`, and `values` by metric.

    Raises:
        ValueError: a set is empty, or codes and labels do not fit each other.
    """
    both = [np.asarray(labels) for labels in (query_labels, database_labels)]
    if both[0].ndim == both[1].ndim == 1:
        hot, _ = multi_hot(np.concatenate(both))
        both = [hot[: len(both[0])], hot[len(both[0]) :]]
    ranks = "all ranks" if cutoff is None else f"the first {cutoff} ranks"
    summary = f"Queries and database as they were given; mAP over {ranks}."
    protocol = Protocol(name="arrays", summary=summary, queries="given", cutoff=cutoff)
    queries, database = codes_of(query_codes, bits), codes_of(database_codes, bits)
    return evaluate(queries, database, both[0].astype(bool), both[1].astype(bool), protocol).report
