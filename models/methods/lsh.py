"""LSH: random hyperplanes (Charikar, STOC 2002, https://doi.org/10.1145/509907.509965).

Idea: the sign of a random projection differs between two vectors with probability angle / pi, so
the Hamming distance estimates the angle without any training.

Deviation: features are centred on the training mean; non-negative features would otherwise give
nearly constant bits.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.linear import LinearHashMethod
from models.method import MethodCard, OnEpoch, Reported


class LSH(LinearHashMethod):
    """Random hyperplanes: the floor that every learned method has to clear."""

    card = MethodCard(
        name="lsh",
        title="LSH",
        summary="Random hyperplanes; no training, the floor for every other method.",
        authors="M. Charikar",
        venue="STOC",
        year=2002,
        paper="https://doi.org/10.1145/509907.509965",
        supervision="data-independent",
        fidelity="paper",
        deviations=("Features are centred on the training mean.",),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.206,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )

    def projection(self, centred: Tensor, generator: torch.Generator, on_epoch: OnEpoch) -> Tensor:
        """Gaussian directions (d, bits)."""
        return torch.randn(centred.shape[1], self.bits, generator=generator)


METHOD = LSH
