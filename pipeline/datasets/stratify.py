"""Stratified division of labelled images into parts, for one label per image or many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def stratify(
    labels: NDArray[np.bool_], shares: Sequence[float], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The part (n,) of each image, so that every part has its share of every label.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011): the label with the
    fewest images left is dealt out first, each image to the part that still wants most of it. With
    one label per image this is the usual stratified split, rounded to whole images.

    Args:
        labels: (n, C) multi-hot; rows without a label are dealt out last.
        shares: shares of the parts, positive, summing to 1.
        rng: breaks ties.

    Example:
        >>> one_label = np.repeat(np.eye(2, dtype=bool), 10, axis=0)
        >>> part = stratify(one_label, (0.3, 0.7), np.random.default_rng(0))
        >>> [int((part[:10] == 0).sum()), int((part[10:] == 0).sum())]
        [3, 3]
    """
    n, wanted_share = len(labels), np.asarray(shares, dtype=np.float64)
    part = np.full(n, -1)
    wanted = wanted_share * n  # (p,) images that each part still wants
    wanted_of = np.outer(wanted_share, labels.sum(axis=0))  # (p, C) the same for each label
    left = labels.sum(axis=0)  # (C,) images not dealt out yet
    while left.any():
        label = int(np.argmin(np.where(left > 0, left, n + 1)))
        for row in rng.permutation(np.flatnonzero(labels[:, label] & (part < 0))):
            chosen = _most_wanting(wanted_of[:, label], wanted, rng)
            part[row] = chosen
            wanted[chosen] -= 1
            wanted_of[chosen, labels[row]] -= 1
            left = left - labels[row]
    for row in rng.permutation(np.flatnonzero(part < 0)):
        chosen = _most_wanting(wanted, wanted, rng)
        part[row] = chosen
        wanted[chosen] -= 1
    return part


def _most_wanting(
    wish: NDArray[np.float64], wanted: NDArray[np.float64], rng: np.random.Generator
) -> int:
    """The part with the greatest wish; between equals the one that wants most images."""
    best = np.flatnonzero(wish >= wish.max() - 1e-9)
    if len(best) > 1:
        best = best[wanted[best] >= wanted[best].max() - 1e-9]
    return int(best[0] if len(best) == 1 else rng.choice(best))
