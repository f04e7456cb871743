"""GreedyHash: classification of signs (Su, Zhang, Han, Tian, NeurIPS 2018).

https://papers.nips.cc/paper/2018/hash/13f3cf8c531952d72e5847c4183e6910-Abstract.html

Idea: the network's loss sees the signs themselves; backwards the sign is the identity, so no
relaxation stands between training and use. A cubic penalty keeps outputs near their signs.

    paper    here          shape
    H        relaxed       (b, K)
    B        codes         (b, K)   signs of `relaxed`
    alpha    config.alpha

Deviations: with several labels the cross-entropy shares the mass evenly among them; the penalty is
a mean over bits.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported, TrainingSet
from models.similarity import label_shares
from models.straight_through import straight_through_sign
from models.training import LossTerms


class GreedyHashConfig(DeepConfig):
    """Hyper-parameters of GreedyHash."""

    alpha: float = Field(0.1, ge=0, le=100, description="Weight of | |h| - 1 |^3.")


def greedyhash_loss(
    relaxed: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, alpha: float
) -> LossTerms:
    """Cross-entropy of a linear classifier on the signs, and the cubic penalty.

    Args:
        relaxed: (b, K) outputs before the sign.
        weight: (C, K) of the classifier.
        bias: (C,) of the classifier.
        labels: (b, C) bool; a row without labels costs nothing.
        alpha: weight of the penalty.
    """
    codes = straight_through_sign(relaxed)
    return {
        "classification": F.cross_entropy(F.linear(codes, weight, bias), label_shares(labels)),
        "quantization": alpha * (relaxed.abs() - 1).abs().pow(3).mean(),
    }


class GreedyHash(DeepHashMethod):
    """Classification of signs with a straight-through gradient."""

    card = MethodCard(
        name="greedyhash",
        title="GreedyHash",
        summary="A linear classifier on the signs themselves, with a straight-through gradient.",
        authors="S. Su, C. Zhang, K. Han, Y. Tian",
        venue="NeurIPS",
        year=2018,
        paper="https://papers.nips.cc/paper/2018/hash/13f3cf8c531952d72e5847c4183e6910-Abstract.html",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "With several labels the cross-entropy shares the mass evenly among them.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.667,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = GreedyHashConfig
    config: GreedyHashConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: the loss takes its signs."""
        return outputs

    def on_fit_start(self, train: TrainingSet) -> None:
        """Start the classifier at random."""
        assert train.labels is not None  # checked by the base class
        classes = train.labels.shape[1]
        generator = torch.Generator().manual_seed(self.seed)
        start = torch.randn(classes, self.bits, generator=generator) / self.bits**0.5
        self._weight, self._bias = nn.Parameter(start), nn.Parameter(torch.zeros(classes))

    def learnable(self) -> list[Tensor]:
        """Classifier, which learns with the head."""
        return [self._weight, self._bias]

    def loss(self, batch: Batch) -> LossTerms:
        """`greedyhash_loss` of the batch."""
        return greedyhash_loss(
            batch.relaxed[0], self._weight, self._bias, batch.known_labels, self.config.alpha
        )


METHOD = GreedyHash
