"""HashNet: deep learning to hash by continuation (Cao et al., ICCV 2017, https://arxiv.org/abs/1702.00758).

Idea: the likelihood of the pair labels, each side weighted so that rare similar pairs count as much
as the many dissimilar ones; tanh(beta h) with growing beta approaches the sign.

    paper    here          shape
    <h,h>    logits        (b, b)   scaled by alpha / K
    w_ij     weights       (b, b)   |S| / |S+| and |S| / |S-|
    beta     self._beta             grows from epoch to epoch

Deviations: beta grows once an epoch, to `beta_end`; weights are those of the batch and are divided
by their mean.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported
from models.similarity import balanced_weights, shares_label
from models.training import LossTerms


class HashNetConfig(DeepConfig):
    """Hyper-parameters of HashNet."""

    alpha: float = Field(10.0, gt=0, le=100, description="Scale of the logits, alpha <h, h> / K.")
    beta_end: float = Field(10.0, ge=1, le=100, description="Sharpness of the last epoch's tanh.")


def hashnet_loss(relaxed: Tensor, similarity: Tensor, alpha: float) -> LossTerms:
    """Weighted maximum likelihood (the paper's equation 4).

    Args:
        relaxed: (b, K) relaxed codes.
        similarity: (b, b) 1 where a pair shares a label, else 0.
        alpha: scale of the logits.
    """
    logits = alpha * relaxed @ relaxed.T / relaxed.shape[1]
    weights = balanced_weights(similarity)
    pairwise = weights * (F.softplus(logits) - similarity * logits)
    return {"pairwise": pairwise.sum() / weights.sum()}


class HashNet(DeepHashMethod):
    """Weighted pair likelihood with continuation towards the sign."""

    card = MethodCard(
        name="hashnet",
        title="HashNet",
        summary="Balanced pair likelihood; a tanh that sharpens towards the sign.",
        authors="Z. Cao, M. Long, J. Wang, P. S. Yu",
        venue="ICCV",
        year=2017,
        paper="https://arxiv.org/abs/1702.00758",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "The tanh sharpens once an epoch; pair weights are those of the batch.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.684,
                source="MIHash, as printed there",
                provenance="another paper",
            ),
        ),
    )
    Config = HashNetConfig
    config: HashNetConfig
    _beta = 1.0

    def on_epoch_start(self, epoch: int) -> None:
        """Sharpen geometrically from 1 to `beta_end`."""
        share = (epoch - 1) / max(self.config.epochs - 1, 1)
        self._beta = self.config.beta_end**share

    def activation(self, outputs: Tensor) -> Tensor:
        """Squash the code layer with tanh(beta h)."""
        return torch.tanh(self._beta * outputs)

    def relaxation(self) -> Callable[[Tensor], Tensor]:
        """Relaxed codes at the last epoch's sharpness, also of a method that was loaded."""
        self.on_epoch_start(self.config.epochs)
        return super().relaxation()

    def loss(self, batch: Batch) -> LossTerms:
        """`hashnet_loss` on the batch's pairs."""
        labels = batch.known_labels
        return hashnet_loss(batch.relaxed[0], shares_label(labels, labels), self.config.alpha)


METHOD = HashNet
