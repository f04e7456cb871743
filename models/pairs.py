"""Pairs of a mini-batch, for losses that compare similarities of codes with those of features."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def half_cosines(rows: Tensor) -> Tensor:
    """Cosine of each row of the first half with its partner in the second: (b, d) to (b // 2,).

    Where b is odd, the last row has no partner. Batches are in random order, so the pairs are too.
    """
    half = len(rows) // 2
    return F.cosine_similarity(rows[:half], rows[half : 2 * half])


def symmetric_loss(relaxed: Tensor, block: Tensor) -> Tensor:
    """Mean of (u_i^T u_j - K s_ij)^2 / K over the pairs of a batch: the ablation without codes.

    Args:
        relaxed: (b, K).
        block: (b, b) of S.
    """
    bits = relaxed.shape[1]
    return (relaxed @ relaxed.T - bits * block).square().mean() / bits
