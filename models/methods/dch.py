"""DCH: deep Cauchy hashing (Cao, Long, Liu, Wang, CVPR 2018).

https://openaccess.thecvf.com/content_cvpr_2018/html/Cao_Deep_Cauchy_Hashing_CVPR_2018_paper.html

Idea: the probability that a pair is similar falls with its distance like a Cauchy density,
gamma / (gamma + d): it drops at once beyond small distances, so similar images are drawn into a
small Hamming ball, where a hash table finds them.

    paper      here          shape
    d(h, h)    distances     (b, b)   K/2 (1 - cos)
    w_ij       weights       (b, b)   |S| / |S+| and |S| / |S-|
    gamma      gamma                  scale of the Cauchy density, in bits
    lambda     config.quantization

Deviations: the log terms are combined, s log(1 + d / gamma) + (1 - s) log(1 + gamma / d), which is
the same sum without log 0 for similar pairs; weights are those of the batch and are divided by
their mean.

Limit: a label that most images carry draws them all together, since one shared label is enough to
be similar. On COCO validation images (32 bits) mAP over the labels other than `person` is 30 where
`person` is a training label, and 60 where it is not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported
from models.similarity import balanced_weights, shares_label
from models.training import LossTerms

_CLOSEST = 1e-3  # in bits; dissimilar pairs closer than this cost no more


class DCHConfig(DeepConfig):
    """Hyper-parameters of DCH."""

    epochs: int = passes(30)
    gamma: float = Field(20.0, gt=0, le=256, description="Scale of the Cauchy density, in bits.")
    quantization: float = Field(
        0.1, ge=0, le=100, description="Weight of the quantization term (lambda)."
    )


def dch_loss(relaxed: Tensor, similarity: Tensor, gamma: float, quantization: float) -> LossTerms:
    """Cauchy cross-entropy and Cauchy quantization loss (the paper's equations 7 to 9).

    Args:
        relaxed: (b, K) relaxed codes.
        similarity: (b, b) 1 where a pair shares a label, else 0.
        gamma: scale of the Cauchy density.
        quantization: weight of the second term.
    """
    bits = relaxed.shape[1]
    codes = F.normalize(relaxed)
    distances = bits / 2 * (1 - codes @ codes.T)
    pairwise = torch.where(
        similarity > 0,
        torch.log1p(distances.clamp(min=0) / gamma),
        torch.log1p(gamma / distances.clamp(min=_CLOSEST)),
    )
    weights = balanced_weights(similarity)
    to_corner = bits / 2 * (1 - codes.abs().sum(1) / bits**0.5)  # d(|h|, 1), (b,)
    return {
        "pairwise": (weights * pairwise).sum() / weights.sum(),
        "quantization": quantization * torch.log1p(to_corner.clamp(min=0) / gamma).mean(),
    }


class DCH(DeepHashMethod):
    """Deep Cauchy hashing."""

    card = MethodCard(
        name="dch",
        title="DCH",
        summary="A Cauchy likelihood that draws similar images into a small Hamming ball.",
        authors="Y. Cao, M. Long, B. Liu, J. Wang",
        venue="CVPR",
        year=2018,
        paper="https://openaccess.thecvf.com/content_cvpr_2018/html/Cao_Deep_Cauchy_Hashing_CVPR_2018_paper.html",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "Pair weights are those of the batch.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="CIFAR-10 (cifar10-59k, AlexNet, a port, best test epoch)",
                bits=48,
                metric="mAP@all",
                value=0.810,
                source="swuxyj/DeepHash-pytorch",
                provenance="re-run",
            ),
        ),
    )
    Config = DCHConfig
    config: DCHConfig

    def loss(self, batch: Batch) -> LossTerms:
        """`dch_loss` on the batch's pairs."""
        labels, config = batch.known_labels, self.config
        return dch_loss(
            batch.relaxed[0], shares_label(labels, labels), config.gamma, config.quantization
        )


METHOD = DCH
