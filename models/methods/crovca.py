"""CroVCA: cross-view code alignment (Moummad et al., 2025, https://arxiv.org/abs/2510.27584).

Idea: the code of one view is the target of a binary cross-entropy for the other view, bit by bit.
What keeps all images from getting one code is the coding rate: the volume that the outputs of a
batch fill, which is made large.

    paper     here       shape
    h         outputs    (b, K)   logits of the bits
    R(H)      rate               half log det of I + K / (b epsilon) H^T H, rows of H of length 1

Weights, batch and step size are those of the authors' code.

Deviations: the views of an image are four, augmented once and cached, of which each step takes two;
no weight decay; more epochs (5 in the paper, on larger sets) and dropout, which raised the mAP on
CIFAR-10 validation images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard
from models.training import LossTerms


class CroVCAConfig(DeepConfig):
    """Hyper-parameters of CroVCA."""

    batch: int = Field(256, ge=2, le=65536, description="Images in a mini-batch.")
    rate: float = Field(0.1, ge=0, le=100, description="Weight of the coding rate.")
    epsilon: float = Field(0.05, gt=0, le=10, description="Distortion allowed by the coding rate.")


def coding_rate(outputs: Tensor, epsilon: float) -> Tensor:
    """Volume that the directions of outputs (b, K) fill, scaled to be comparable across b and K.

    Args:
        outputs: (b, K).
        epsilon: distortion; smaller values count thin directions more.
    """
    n, bits = outputs.shape
    unit = F.normalize(outputs)
    spread = torch.eye(bits, dtype=outputs.dtype) + bits / (n * epsilon) * unit.T @ unit
    half_log_det: Tensor = torch.linalg.cholesky(spread).diagonal().log().sum()
    return half_log_det * (bits + n) / (bits * n)


def crovca_loss(first: Tensor, second: Tensor, rate: float, epsilon: float) -> LossTerms:
    """Cross-entropy of each view's logits with the other view's bits, less the coding rate.

    Args:
        first: (b, K) logits of one view.
        second: (b, K) logits of another view.
        rate: weight of the coding rate.
        epsilon: distortion of the coding rate.
    """
    entropy = F.binary_cross_entropy_with_logits
    alignment = entropy(first, (second > 0).to(first)) + entropy(second, (first > 0).to(first))
    volume = coding_rate(first, epsilon) + coding_rate(second, epsilon)
    return {"alignment": alignment / 2, "coding rate": -rate * volume / 2}


class CroVCA(DeepHashMethod):
    """Codes on which the views of an image agree, spread as far as possible."""

    card = MethodCard(
        name="crovca",
        title="CroVCA",
        summary="Two views predict each other's bits while the coding rate keeps codes apart.",
        authors="I. Moummad, K. Zaher, H. Goëau, A. Joly",
        venue="arXiv",
        year=2025,
        paper="https://arxiv.org/abs/2510.27584",
        supervision="unsupervised",
        views=5,
        fidelity="authors' code",
        deviations=(
            "Four views of an image are augmented once and cached; a step takes two.",
            "More epochs, dropout before the code layer, no weight decay.",
        ),
    )
    Config = CroVCAConfig
    config: CroVCAConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: logits of the bits."""
        return outputs

    def loss(self, batch: Batch) -> LossTerms:
        """`crovca_loss` of the two views."""
        first, second = batch.relaxed
        return crovca_loss(first, second, self.config.rate, self.config.epsilon)


METHOD = CroVCA
