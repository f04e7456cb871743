"""How codes put a database in order: a part of the protocol that every report names.

    hamming        by the bits that differ; equally far items are tied
    asymmetric     by the inner product of the query's real values, before the sign, and stored bits
    rescored@200   the 200 nearest by Hamming distance, by the cosine of their features, then the
                   others by Hamming distance

Which of several items that are tied at the end of a shortlist are in it is drawn at random, for
each query on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from models.wording import unknown
from pipeline.evaluation.ranking import Similarities, inner_products

HAMMING, ASYMMETRIC = "hamming", "asymmetric"
SHORTLIST = 200  # items that are rescored
RESCORED = f"rescored@{SHORTLIST}"
RANKINGS = (HAMMING, ASYMMETRIC, RESCORED)
_CELLS = 16_000_000  # distances at a time
Rescore = Callable[[int, NDArray[np.int64]], NDArray[np.floating]]


def check_ranking(ranking: str) -> None:
    """Refuse a ranking that there is not.

    Raises:
        ValueError: it is unknown; the message lists those that are known.
    """
    if ranking not in RANKINGS:
        raise ValueError(unknown("ranking", ranking, RANKINGS))


def ranking_in_words(ranking: str) -> str:
    """A ranking for people, to stand behind `ranked by`."""
    return {
        HAMMING: "Hamming distance",
        ASYMMETRIC: "real-valued queries against stored bits",
        RESCORED: f"Hamming distance, the first {SHORTLIST} rescored by the features' cosine",
    }[ranking]


def asymmetric_similarities(
    relaxed: NDArray[np.floating], database_codes: HashCodes
) -> Iterator[Similarities]:
    """Cosines (b, n) of relaxed queries (q, K) and the ±1 codes of the database.

    In float64, so that equal codes are tied whatever the order of summation.
    """
    lengths = np.linalg.norm(relaxed.astype(np.float64), axis=1, keepdims=True)
    scale = np.where(lengths > 0, lengths, 1) * np.sqrt(database_codes.bits)
    return inner_products(relaxed / scale, _Signs(database_codes))


def rescored_similarities(
    query_codes: HashCodes, database_codes: HashCodes, rescore: Rescore, *, seed: int = 0
) -> Iterator[Similarities]:
    """Similarities (b, n) that put the rescored shortlist first, and the others by distance.

    Args:
        query_codes: q codes of K bits.
        database_codes: n codes of K bits.
        rescore: cosines (m,), from a query's number and positions (m,) in the database.
        seed: of the draw among items that are tied at the end of the shortlist.
    """
    rng, n = np.random.default_rng(seed), len(database_codes)
    rows, short = max(1, _CELLS // n), min(SHORTLIST, n)
    for first in range(0, len(query_codes), rows):
        distance = query_codes[first : first + rows].hamming(database_codes)
        similarities = -2.0 - distance  # below every cosine
        for number, own in enumerate(distance):
            nearest = np.argpartition(own + rng.random(n), short - 1)[:short]
            similarities[number, nearest] = rescore(first + number, nearest)
        yield similarities


class _Signs:
    """Codes as rows of ±1 (n, K), unpacked a block at a time."""

    def __init__(self, codes: HashCodes) -> None:
        self._codes = codes
        self.shape = (len(codes), codes.bits)

    def __getitem__(self, rows: slice) -> NDArray[np.float64]:
        return self._codes[rows].signs().astype(np.float64)
