"""BiHalf: maximum bit entropy by halves (Li, van Gemert, AAAI 2021).

Idea: a bit says most when half the images have it. In training each bit is +1 for the upper half of
the batch and -1 for the rest, whatever the outputs are (the optimal transport to half and half);
the cosines of these codes shall equal those of the features.

    paper    here       shape
    U        outputs    (b, K)   of the head
    B        codes      (b, K)   half +1 and half -1 in every column
    gamma    config.gamma

The paper passes the gradient of B on to U and adds gamma (U - B) / (b K). That is the gradient of
gamma / 2 mean (U - B)^2, which is how it is written here. New images get the sign of their outputs.

Deviations: centred features, a hidden layer and Adam; the paper trains one linear layer by SGD. The
hidden layer raised the mAP on CIFAR-10 validation images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported
from models.pairs import half_cosines
from models.training import LossTerms


class BiHalfConfig(DeepConfig):
    """Hyper-parameters of BiHalf."""

    epochs: int = passes(30)
    gamma: float = Field(6.0, ge=0, le=100, description="Pull of the outputs to their codes.")


def half_and_half(outputs: Tensor) -> Tensor:
    """Codes (b, K): in each column +1 for the larger half of outputs (b, K), -1 for the others.

    Where b is odd, the smaller half gets the +1, as in the authors' code.
    """
    ranks = outputs.argsort(0, descending=True).argsort(0)
    return torch.where(ranks < len(outputs) // 2, 1.0, -1.0).to(outputs.dtype)


def bihalf_loss(outputs: Tensor, features: Tensor, gamma: float) -> LossTerms:
    """Squared difference of the cosines of half-and-half codes and features, and quantization.

    Args:
        outputs: (b, K) real outputs of the head.
        features: (b, d).
        gamma: weight of the quantization term.
    """
    codes = half_and_half(outputs)
    through = outputs + (codes - outputs).detach()  # codes, with the gradient of the identity
    return {
        "similarity": F.mse_loss(half_cosines(through), half_cosines(features)),
        "quantization": gamma / 2 * (outputs - codes).square().mean(),
    }


class BiHalf(DeepHashMethod):
    """Codes with the cosines of the features and every bit half and half."""

    card = MethodCard(
        name="bihalf",
        title="BiHalf",
        summary="Cosines of the features kept by codes in which every bit is half +1, half -1.",
        authors="Y. Li, J. van Gemert",
        venue="AAAI",
        year=2021,
        paper="https://doi.org/10.1609/aaai.v35i3.16296",
        supervision="unsupervised",
        fidelity="authors' code",
        deviations=(
            "Centred features, a hidden layer and Adam instead of one linear layer and SGD.",
            "30 epochs and batches of 128, where the authors have 100 to 300 and 32.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.403,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = BiHalfConfig
    config: BiHalfConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself; the loss makes codes of it."""
        return outputs

    def loss(self, batch: Batch) -> LossTerms:
        """`bihalf_loss` of the batch."""
        return bihalf_loss(batch.relaxed[0], batch.views[0], self.config.gamma)


METHOD = BiHalf
