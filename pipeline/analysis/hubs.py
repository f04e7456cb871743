"""Hubs: images that many queries find, and images that none does (Radovanovic et al. 2010).

In many dimensions some images become neighbours of everything. A hub fills the first results of
queries that it has nothing to do with, and an image that no query finds might as well not be there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import plural

TOP = 10  # results that count as found
_BLOCK = 64  # queries compared at a time
_FOUND = 1e-9  # expected occurrences from which an image counts as found


@dataclass(frozen=True, eq=False)
class Hubs:
    """How often each database image is among the first results.

    Attributes:
        occurrences: (n,) queries that find the image among their first `TOP`, in expectation over
            the orders of ties.
        n_query: q, all queries.
    """

    occurrences: NDArray[np.float64]
    n_query: int

    @property
    def order(self) -> NDArray[np.int64]:
        """Places in the database, found most often first; ties by place."""
        return np.argsort(-self.occurrences, kind="stable")

    @property
    def never(self) -> NDArray[np.int64]:
        """Places of the images that no query finds."""
        return np.flatnonzero(self.occurrences < _FOUND)

    @property
    def finding(self) -> str:
        """Both in a sentence, with what chance would leave unfound."""
        n = len(self.occurrences)
        top = min(TOP, n)
        by_chance = n * (1 - top / n) ** self.n_query
        most = float(self.occurrences.max())
        return (
            f"{len(self.never):,} of {plural(n, 'image')} are among the first {top} of no query "
            f"({by_chance:,.0f} if results were random); the most frequent one is among those of "
            f"{most:,.0f} of {plural(self.n_query, 'query')} ({self.n_query * top / n:,.1f} on "
            "average)."
        )


def read_hubs(run: OpenRun) -> Hubs:
    """Count how often each database image of a run is found."""
    return Hubs(occurrences(run.query_codes, run.database_codes), len(run.query_codes))


def occurrences(
    query_codes: HashCodes, database_codes: HashCodes, k: int = TOP
) -> NDArray[np.float64]:
    """Expected number of queries (n,) that have each item among their first k.

    Args:
        query_codes: q codes.
        database_codes: n codes.
        k: results; items that tie for the last of them share what is left.
    """
    n = len(database_codes)
    k, found = min(k, n), np.zeros(n)
    for start in range(0, len(query_codes), _BLOCK):
        distances = query_codes[np.arange(start, min(start + _BLOCK, len(query_codes)))].hamming(
            database_codes
        )
        last = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]
        is_nearer, is_last = distances < last, distances == last
        left = (k - is_nearer.sum(axis=1)) / is_last.sum(axis=1)
        found += is_nearer.sum(axis=0) + left @ is_last
    return found
