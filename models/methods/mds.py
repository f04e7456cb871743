"""MDS: minimal-distance-separated hash centres (Wang, Pan, Liu, Lai, Yin, Liu, CVPR 2023).

https://openaccess.thecvf.com/content/CVPR2023/html/Wang_Deep_Hashing_With_Minimal-Distance-Separated_Hash_Centers_CVPR_2023_paper.html

Idea: class centres no closer than the Gilbert-Varshamov distance of (K, C). Codes are drawn to the
centres of their labels, away from the others, and, once they have settled, to one another.

    authors' code    here          shape
    hash_center      centres       (C, K)   in {-1, +1}
    U                memory        (n, K)   latest outputs of all training images
    beta, lambda     config.beta, config.quantization
    epoch_change     config.warm_up

Deviations: centres are rows of a Hadamard matrix where it fits, else chosen greedily from random
codes, instead of by the authors' optimisation; the tests check that they keep the Gilbert-Varshamov
distance. The authors fill U from a second encoder that follows the network slowly (momentum 0.9);
here it holds what the head itself gave last. beta is 0.1 instead of 1, which serves images with
several labels better.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.centres import hash_centres
from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, TrainingSet
from models.similarity import shares_label
from models.training import LossTerms


class MDSConfig(DeepConfig):
    """Hyper-parameters of MDS."""

    epochs: int = passes(30)
    beta: float = Field(0.1, ge=0, le=100, description="Weight of similar pairs.")
    warm_up: int = Field(9, ge=1, le=1000, description="Epochs before pairs count.")
    quantization: float = Field(1e-4, ge=0, le=100, description="Weight of (|h| - 1)^2 (lambda).")


def centre_loss(relaxed: Tensor, centres: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of every class under a softmax over cosines to the centres.

    Args:
        relaxed: (b, K).
        centres: (C, K) in {-1, +1}.
        labels: (b, C) bool.
    """
    scale = relaxed.shape[1] ** 0.5
    logits = scale * F.normalize(relaxed) @ F.normalize(centres).T  # (b, C)
    chosen = logits.log_softmax(1)
    missed = torch.log1p(-chosen.exp().clamp(max=1 - 1e-6))
    return -torch.where(labels, chosen, missed).mean()


def pair_loss(relaxed: Tensor, memory: Tensor, similarity: Tensor) -> Tensor:
    """Mean of log(1 + e^((1 - cos) / 2)) over similar pairs.

    Args:
        relaxed: (b, K).
        memory: (n, K) outputs without gradient.
        similarity: (b, n) 1 where a pair shares a label, else 0.
    """
    cosine = F.normalize(relaxed) @ F.normalize(memory).T
    return (similarity * F.softplus((1 - cosine) / 2)).sum() / similarity.sum().clamp(min=1)


class MDS(DeepHashMethod):
    """Minimal-distance-separated hash centres."""

    card = MethodCard(
        name="mds",
        title="MDS",
        summary="Softmax to well-separated centres, then similar pairs drawn together.",
        authors="L. Wang, Y. Pan, C. Liu, H. Lai, J. Yin, Y. Liu",
        venue="CVPR",
        year=2023,
        paper="https://openaccess.thecvf.com/content/CVPR2023/html/Wang_Deep_Hashing_With_Minimal-Distance-Separated_Hash_Centers_CVPR_2023_paper.html",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="authors' code",
        deviations=(
            "Centres are Hadamard rows or chosen greedily from random codes, not optimised.",
            "The memory holds the head's own outputs instead of a momentum encoder's.",
            "beta is 0.1 instead of 1.",
            "A head on frozen features instead of the whole network.",
        ),
    )
    Config = MDSConfig
    config: MDSConfig

    def on_fit_start(self, train: TrainingSet) -> None:
        """Choose the centres and make room for the outputs."""
        assert train.labels is not None  # checked by the base class
        generator = torch.Generator().manual_seed(self.seed)
        self._centres = hash_centres(train.labels.shape[1], self.bits, generator)
        self._labels = train.labels
        self._memory = torch.zeros(len(train), self.bits)

    def on_epoch_start(self, epoch: int) -> None:
        """Count pairs once the warm-up is over."""
        self._has_pairs = epoch > self.config.warm_up

    def loss(self, batch: Batch) -> LossTerms:
        """`centre_loss` of the batch, `pair_loss` to all images, quantization."""
        relaxed, config = batch.relaxed[0], self.config
        self._memory[batch.rows] = relaxed.detach()
        terms = {
            "centres": centre_loss(relaxed, self._centres, batch.known_labels),
            "quantization": config.quantization * (relaxed.abs() - 1).square().mean(),
        }
        if self._has_pairs:
            similarity = shares_label(batch.known_labels, self._labels)
            terms["pairs"] = config.beta * pair_loss(relaxed, self._memory, similarity)
        return terms


METHOD = MDS
