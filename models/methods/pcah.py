"""PCAH: signs of the principal components (Wang, Kumar, Chang, TPAMI 2012).

Idea: one bit per leading principal axis. Later axes carry little variance, so long codes gain
little; ITQ starts here and rotates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.linear import LinearHashMethod, principal_axes
from models.method import MethodCard, OnEpoch, Reported


class PCAH(LinearHashMethod):
    """Signs of the leading principal components; needs bits <= feature width."""

    card = MethodCard(
        name="pcah",
        title="PCAH",
        summary="Signs of the leading principal components.",
        authors="J. Wang, S. Kumar, S.-F. Chang",
        venue="TPAMI",
        year=2012,
        paper="https://doi.org/10.1109/TPAMI.2012.48",
        supervision="unsupervised",
        fidelity="paper",
        is_seeded=False,
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.405,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )

    def projection(self, centred: Tensor, generator: torch.Generator, on_epoch: OnEpoch) -> Tensor:
        """The principal axes (d, bits)."""
        return principal_axes(centred, self.bits)


METHOD = PCAH
