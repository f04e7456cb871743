"""Hashing-Baseline: randomly rotated principal components (Moummad et al., 2025, arXiv 2509.14427).

Idea: components of little variance get the same vote as the first ones; a random rotation shares
the variance out. It is where ITQ starts (its `iterations=0`) and was called PCA-RR there.

Deviation: the paper compares sigmoids of the query's outputs with stored bits; here queries are
bits like the rest, unless they are ranked `asymmetric`, which weighs the outputs themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.linear import LinearHashMethod, principal_axes, rotate_to_codes
from models.method import MethodCard, OnEpoch


class HashingBaseline(LinearHashMethod):
    """Signs of randomly rotated principal components; needs bits <= feature width."""

    card = MethodCard(
        name="hashing_baseline",
        title="Hashing-Baseline",
        summary="Principal components, rotated at random; nothing is learned but the components.",
        authors="I. Moummad, K. Zaher, L. Rauch, A. Joly",
        venue="arXiv",
        year=2025,
        paper="https://arxiv.org/abs/2509.14427",
        supervision="unsupervised",
        fidelity="paper",
        deviations=("Queries are bits too, where the ranking is not asymmetric.",),
    )

    def projection(self, centred: Tensor, generator: torch.Generator, on_epoch: OnEpoch) -> Tensor:
        """Principal axes times a random rotation, (d, bits)."""
        axes = principal_axes(centred, self.bits)
        return axes @ rotate_to_codes(centred @ axes, 0, generator)


METHOD = HashingBaseline
