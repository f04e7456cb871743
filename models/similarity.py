"""Label similarity of pairs, as losses use it."""

from __future__ import annotations

import torch
from torch import Tensor


def shares_label(left: Tensor, right: Tensor) -> Tensor:
    """1.0 where two images have a label in common, else 0.0: (b, m).

    Args:
        left: (b, C) bool.
        right: (m, C) bool.
    """
    return ((left.float() @ right.float().T) > 0).float()


def label_cosine(left: Tensor, right: Tensor) -> Tensor:
    """Cosine of multi-hot label vectors, (b, m) in [0, 1]; 0 where a side has no label."""
    shared = left.float() @ right.float().T
    sizes = left.sum(1)[:, None] * right.sum(1)[None, :]
    return shared / sizes.clamp(min=1).sqrt()


def balanced_weights(similarity: Tensor) -> Tensor:
    """Pair weights, (b, m), by which similar and dissimilar pairs count the same in sum.

    Args:
        similarity: (b, m) of 1 and 0.
    """
    n_similar = similarity.sum()
    n_dissimilar = similarity.numel() - n_similar
    return torch.where(
        similarity > 0,
        similarity.numel() / n_similar.clamp(min=1),
        similarity.numel() / n_dissimilar.clamp(min=1),
    )


def label_shares(labels: Tensor) -> Tensor:
    """Labels (b, C) bool as a distribution over classes: 1/|y| each, 0 where there is no label."""
    return labels.float() / labels.sum(1, keepdim=True).clamp(min=1)
