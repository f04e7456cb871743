"""Hash centres: one well-separated code per class, for any number of classes and bits; proxies."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from scipy.linalg import hadamard
from torch import Tensor

_CANDIDATES = 256  # random codes tried for each class


def hash_centres(classes: int, bits: int, generator: torch.Generator) -> Tensor:
    """Class centres (C, K) in {-1, +1}, far apart.

    Rows of a Hadamard matrix and their negatives where K is a power of two and C <= 2 K (every
    distance is K/2 or K, as in CSQ); otherwise chosen one by one from random balanced codes, or
    from all codes where the balanced ones are too few, each the farthest from those chosen before.
    They are distinct unless C > 2^K.

    Args:
        classes: number of classes C.
        bits: code length K.
        generator: source of row order and random codes.
    """
    if bits & (bits - 1) == 0 and classes <= 2 * bits:
        square = torch.from_numpy(hadamard(bits)).float()
        rows = torch.cat([square, -square])
        if classes <= bits:
            rows = square
        return rows[torch.randperm(len(rows), generator=generator)[:classes]]
    scarce = math.comb(bits, bits // 2) < 2 * classes  # so random candidates could all be taken
    chosen = _balanced(1, bits, generator)
    while len(chosen) < classes:
        if scarce:
            candidates = _all_codes(bits)[torch.randperm(2**bits, generator=generator)]
        else:
            candidates = _balanced(_CANDIDATES, bits, generator)
        closest = (candidates @ chosen.T).max(1).values  # high inner product = small distance
        chosen = torch.cat([chosen, candidates[closest.argmin()][None]])
    return chosen


def majority_centres(labels: Tensor, centres: Tensor, ties: Tensor) -> Tensor:
    """Bitwise majority (n, K) of the centres of each image's labels.

    Args:
        labels: (n, C) bool.
        centres: (C, K) in {-1, +1}.
        ties: (K,) in {-1, +1}, the bit where as many centres say yes as no.
    """
    votes = labels.float() @ centres
    return torch.where(votes == 0, ties, votes.sign())


def _balanced(count: int, bits: int, generator: torch.Generator) -> Tensor:
    """Random codes (count, K) with as many ones as minus ones (one more when K is odd)."""
    order = torch.rand(count, bits, generator=generator).argsort(1).argsort(1)
    return torch.where(order < (bits + 1) // 2, 1.0, -1.0)


def _all_codes(bits: int) -> Tensor:
    """Every code (2^K, K); for short codes only."""
    return (torch.arange(2**bits)[:, None] >> torch.arange(bits) & 1).float() * 2 - 1


def coding_margin(bits: int, classes: int) -> float:
    """The cosine 1 - 2 d / K of C codes at the Gilbert-Varshamov distance d for K bits."""
    ball, distance = 1, 0
    while distance < bits and ball * classes <= 2**bits:
        distance += 1
        ball += math.comb(bits, distance)
    return 1 - 2 * distance / bits


def proxy_loss(
    codes: Tensor, proxies: Tensor, labels: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    """Attraction to the proxies of own labels, and repulsion from the others (HyP2, eq. 5).

    Args:
        codes: (b, K) relaxed codes; their length does not matter.
        proxies: (C, K) learned centres of the labels; the same.
        labels: (b, C) bool.
        margin: cosine below which nothing is repelled.
    """
    cosine = F.normalize(codes) @ F.normalize(proxies).T  # (b, C)
    positive, other = labels.float(), 1 - labels.float()
    attraction = ((1 - cosine) * positive).sum() / positive.sum().clamp(min=1)
    repulsion = (F.relu(cosine - margin) * other).sum() / other.sum().clamp(min=1)
    return attraction, repulsion
