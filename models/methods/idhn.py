"""IDHN: improved deep hashing (Zhang et al., TMM 2020, https://arxiv.org/abs/1803.02987).

Idea: the similarity of two images is the cosine of their label vectors. Pairs that are fully alike
or fully unlike are learned by likelihood, the others by the squared difference.

    here         shape
    similarity   (b, b)   cosine of label vectors
    hard         (b, b)   similarity 0 or 1

Deviation: defaults are those of the authors' released code (alpha 5, weights 0.1).
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported
from models.similarity import label_cosine
from models.training import LossTerms

_FULL = 0.99  # the authors' threshold for "fully similar"


class IDHNConfig(DeepConfig):
    """Hyper-parameters of IDHN."""

    alpha: float = Field(5.0, gt=0, le=100, description="Scale of the logits, alpha <u, u> / K.")
    gamma: float = Field(0.1, ge=0, le=100, description="Weight of the difference of soft pairs.")
    quantization: float = Field(0.1, ge=0, le=100, description="Weight of the quantization term.")


def idhn_loss(
    relaxed: Tensor, similarity: Tensor, alpha: float, gamma: float, quantization: float
) -> LossTerms:
    """Cross-entropy of hard pairs, squared difference of soft pairs, quantization.

    Args:
        relaxed: (b, K) relaxed codes in [-1, 1].
        similarity: (b, b) in [0, 1].
        alpha: scale of the logits.
        gamma: weight of the soft pairs.
        quantization: weight of | |u| - 1 |.
    """
    bits = relaxed.shape[1]
    cosine = relaxed @ relaxed.T / bits
    hard = (similarity < 1 - _FULL) | (similarity > _FULL)
    likelihood = (F.softplus(alpha * cosine) - similarity * alpha * cosine) * hard
    difference = bits * ((1 + cosine) / 2 - similarity).square() * ~hard
    return {
        "likelihood": likelihood.mean(),
        "difference": gamma * difference.mean(),
        "quantization": quantization * (relaxed.abs() - 1).abs().mean(),
    }


class IDHN(DeepHashMethod):
    """Improved deep hashing with soft pairwise similarity."""

    card = MethodCard(
        name="idhn",
        title="IDHN",
        summary="Cosine of label vectors: likelihood for hard pairs, difference for soft ones.",
        authors="Z. Zhang, Q. Zou, Y. Lin, L. Chen, S. Wang",
        venue="IEEE Transactions on Multimedia",
        year=2020,
        paper="https://arxiv.org/abs/1803.02987",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="authors' code",
        deviations=("A head on frozen features instead of the whole network; tanh for softsign.",),
        reported=(
            Reported(
                dataset="NUS-WIDE-21 (nus21, AlexNet)",
                bits=48,
                metric="mAP@5000",
                value=0.803,
                source="HyP2's table",
                provenance="another paper",
            ),
        ),
    )
    Config = IDHNConfig
    config: IDHNConfig

    def loss(self, batch: Batch) -> LossTerms:
        """`idhn_loss` on the batch's pairs."""
        config, labels = self.config, batch.known_labels
        similarity = label_cosine(labels, labels)
        return idhn_loss(
            batch.relaxed[0], similarity, config.alpha, config.gamma, config.quantization
        )


METHOD = IDHN
