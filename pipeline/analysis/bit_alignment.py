"""Bit alignment: which bits of two runs say the same; seeds rarely share their order or sign.

Bits are matched one to one so that the sum of their absolute correlations over the same images is
largest. A matching picks the best of many, so some correlation comes by chance; the same matching
against permuted images says how much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from models.codes import HashCodes

Values = NDArray[np.float64]
MOST_IMAGES = 20_000  # beyond them correlations hardly change
_DRAWS = 10  # permutations of the images


@dataclass(frozen=True, eq=False)
class BitAlignment:
    """The K bits of some codes and their counterparts among the L bits of others.

    Attributes:
        counterpart: (K,) bit of the other codes, from 0; -1 for bits that are left over if K > L.
        correlation: (K,) with it, below 0 where it is inverted; 0 for bits that are left over.
        chance: (draws, K) absolute correlations of the same matching against permuted images.
        n_images: number of images that were compared.
    """

    counterpart: NDArray[np.int64]
    correlation: Values
    chance: Values
    n_images: int

    def n_stable(self, least: float) -> int:
        """Bits whose counterpart correlates at least so much, either way."""
        return int((np.abs(self.correlation) >= least).sum())

    def n_by_chance(self, least: float) -> float:
        """Bits that correlate at least so much by chance, as the mean over the draws."""
        return float((self.chance >= least).sum(axis=1).mean())


def align_bits(first: HashCodes, second: HashCodes, *, seed: int = 0) -> BitAlignment:
    """Match the bits of two runs.

    Args:
        first: n codes of K bits.
        second: n codes of L bits, of the same images in the same order.
        seed: seed of the permutations, and of the sample where there are more than `MOST_IMAGES`.

    Raises:
        ValueError: the numbers of codes differ, or there are none.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(
            f"bits are aligned on the codes of the same images, got {len(first)} and {len(second)}"
        )
    rng = np.random.default_rng(seed)
    if len(first) > MOST_IMAGES:
        drawn = rng.choice(len(first), MOST_IMAGES, replace=False)
        first, second = first[drawn], second[drawn]
    mine, theirs = _standardised(first), _standardised(second)
    counterpart, correlation = _matching(mine.T @ theirs)
    chance = [np.abs(_matching(mine.T @ rng.permutation(theirs))[1]) for _ in range(_DRAWS)]
    return BitAlignment(counterpart, correlation, np.array(chance), len(first))


def _standardised(codes: HashCodes) -> Values:
    """The bits (n, K) with mean 0 and length 1, so that products are correlations; 0 if dead."""
    signs = codes.signs().astype(np.float64)
    centred = signs - signs.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    return np.asarray(np.divide(centred, length, out=np.zeros_like(centred), where=length > 0))


def _matching(correlation: Values) -> tuple[NDArray[np.int64], Values]:
    """Counterpart (K,) and correlation (K,) of the best one-to-one matching of (K, L)."""
    rows, columns = linear_sum_assignment(np.abs(correlation), maximize=True)
    counterpart, matched = np.full(len(correlation), -1), np.zeros(len(correlation))
    counterpart[rows], matched[rows] = columns, correlation[rows, columns]
    return counterpart, matched
