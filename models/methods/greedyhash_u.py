"""GreedyHash without labels (Su, Zhang, Han, Tian, NeurIPS 2018).

Idea: the cosines of the codes shall equal those of the features. The codes are strict signs, with
the gradient of the identity: each step moves towards what would be best without the constraint, and
then takes the nearest code (greedy).

    paper    here       shape
    H        outputs    (b, K)   of the head
    B        codes      (b, K)   signs of the outputs

As in the authors' code, the pairs of a batch are those between its two halves.

Deviations: centred features (their cosines then reach both sides of 0, as those of codes do), a
hidden layer and Adam; the paper trains one linear layer by SGD. The hidden layer raised the mAP on
CIFAR-10 validation images.
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported
from models.pairs import half_cosines
from models.straight_through import straight_through_sign
from models.training import LossTerms


class GreedyHashUConfig(DeepConfig):
    """Hyper-parameters of unsupervised GreedyHash."""

    epochs: int = passes(30)
    alpha: float = Field(0.1, ge=0, le=100, description="Weight of the quantization term.")


def greedyhash_u_loss(outputs: Tensor, features: Tensor, alpha: float) -> LossTerms:
    """Squared difference of the cosines of codes and features, in pairs, and | |h| - 1 |^3.

    Args:
        outputs: (b, K) real outputs h of the head.
        features: (b, d).
        alpha: weight of the quantization term.
    """
    codes = straight_through_sign(outputs)
    return {
        "similarity": F.mse_loss(half_cosines(codes), half_cosines(features)),
        "quantization": alpha * (outputs.abs() - 1).abs().pow(3).mean(),
    }


class GreedyHashU(DeepHashMethod):
    """Codes with the cosines of the features."""

    card = MethodCard(
        name="greedyhash_u",
        title="GreedyHash-U",
        summary="Strict signs whose cosines equal those of the features, trained straight through.",
        authors="S. Su, C. Zhang, K. Han, Y. Tian",
        venue="NeurIPS",
        year=2018,
        paper="https://papers.nips.cc/paper/2018/hash/13f3cf8c531952d72e5847c4183e6910-Abstract.html",
        supervision="unsupervised",
        fidelity="authors' code",
        deviations=(
            "Centred features, a hidden layer and Adam instead of one linear layer and SGD.",
            "30 epochs and batches of 128, where the authors have 60 to 300 and 32.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.407,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = GreedyHashUConfig
    config: GreedyHashUConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself; the loss takes its signs."""
        return outputs

    def loss(self, batch: Batch) -> LossTerms:
        """`greedyhash_u_loss` of the batch."""
        return greedyhash_u_loss(batch.relaxed[0], batch.views[0], self.config.alpha)


METHOD = GreedyHashU
