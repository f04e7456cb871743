"""Label similarity of pairs, as losses use it."""

from __future__ import annotations

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
