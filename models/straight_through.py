"""Signs that let gradients through (Bengio et al., 2013, https://arxiv.org/abs/1308.3432)."""

from __future__ import annotations

import torch
from torch import Tensor


def straight_through_sign(outputs: Tensor) -> Tensor:
    """Signs of `outputs` in {-1, +1}, zero counting as +1, with the gradient of the identity."""
    signs = torch.where(outputs >= 0, 1.0, -1.0).to(outputs.dtype)
    return outputs + (signs - outputs).detach()
