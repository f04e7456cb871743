"""OrthoHash: one loss for all (Hoe et al., NeurIPS 2021, https://arxiv.org/abs/2109.14449).

Idea: cross-entropy over scaled cosines to fixed, nearly orthogonal binary targets, with a margin on
the own class; high cosine means small quantization error, so no further term is needed.

    paper    here          shape
    o_c      targets       (C, K)   in {-1, +1}
    v_i      relaxed       (b, K)
    s, m     scale, margin
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.centres import hash_centres
from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported, TrainingSet
from models.training import LossTerms


class OrthoHashConfig(DeepConfig):
    """Hyper-parameters of OrthoHash."""

    margin: float = Field(0.2, ge=0, lt=1, description="Subtracted from the own class's cosine.")
    scale: float = Field(0.0, ge=0, le=100, description="Of the cosines; 0: sqrt(2) log(C - 1).")


def orthohash_loss(
    relaxed: Tensor, targets: Tensor, labels: Tensor, scale: float, margin: float
) -> LossTerms:
    """Cross-entropy over scaled cosines with a margin; several labels share the mass evenly.

    Args:
        relaxed: (b, K) codes before the sign.
        targets: (C, K) in {-1, +1}.
        labels: (b, C) bool; a row without labels costs nothing.
        scale: of the cosines.
        margin: subtracted where the label is set.
    """
    cosine = F.normalize(relaxed) @ F.normalize(targets).T  # (b, C)
    logits = scale * (cosine - margin * labels)
    share = labels.float() / labels.sum(1, keepdim=True).clamp(min=1)
    return {"classification": F.cross_entropy(logits, share)}


class OrthoHash(DeepHashMethod):
    """Cosine cross-entropy to fixed orthogonal targets."""

    card = MethodCard(
        name="orthohash",
        title="OrthoHash",
        summary="Cosine classification against fixed, nearly orthogonal binary targets.",
        authors="J. T. Hoe, K. W. Ng, T. Zhang, C. S. Chan, Y.-Z. Song, T. Xiang",
        venue="NeurIPS",
        year=2021,
        paper="https://arxiv.org/abs/2109.14449",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=("A head on frozen features instead of the whole network.",),
        reported=(
            Reported(
                dataset="ImageNet100 (AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.711,
                source="the paper's supplement",
            ),
        ),
    )
    Config = OrthoHashConfig
    config: OrthoHashConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: the loss looks at angles only."""
        return outputs

    def on_fit_start(self, train: TrainingSet) -> None:
        """Choose the targets and the scale."""
        assert train.labels is not None  # checked by the base class
        classes = train.labels.shape[1]
        generator = torch.Generator().manual_seed(self.seed)
        self._targets = hash_centres(classes, self.bits, generator)
        self._scale = self.config.scale or max(math.sqrt(2) * math.log(max(classes - 1, 2)), 1.0)

    def loss(self, batch: Batch) -> LossTerms:
        """`orthohash_loss` of the batch."""
        return orthohash_loss(
            batch.relaxed[0], self._targets, batch.known_labels, self._scale, self.config.margin
        )


METHOD = OrthoHash
