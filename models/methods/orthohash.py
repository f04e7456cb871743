"""OrthoHash: one loss for all (Hoe et al., NeurIPS 2021, https://arxiv.org/abs/2109.14449).

Idea: cross-entropy over scaled cosines to fixed, nearly orthogonal binary targets, with a margin on
the own class; high cosine means small quantization error, so no further term is needed.

    paper    here          shape
    o_c      targets       (C, K)   in {-1, +1}
    v_i      relaxed       (b, K)
    s, m     scale, margin

`reassign` is an option after CRH (Yin et al., AAAI 2026, https://arxiv.org/abs/2511.12162): every
few epochs classes and targets of a larger codebook are matched again, by the classes' mean codes.
CRH's multi-head codes are left out.

Deviations: targets are rows of a Hadamard matrix and their negatives where K is a power of two and
C <= 2 K, else random codes chosen one by one, each the farthest from the others; the default of the
authors' code draws every bit by a fair coin (Bernoulli). A head on frozen features.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from models.centres import hash_centres
from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported, TrainingSet
from models.similarity import label_shares
from models.training import LossTerms


class OrthoHashConfig(DeepConfig):
    """Hyper-parameters of OrthoHash."""

    epochs: int = passes(30)
    margin: float = Field(0.2, ge=0, lt=1, description="Subtracted from the own class's cosine.")
    scale: float = Field(0.0, ge=0, le=100, description="Of the cosines; 0: sqrt(2) log(C - 1).")
    reassign: int = Field(
        0, ge=0, le=1000, description="Epochs between reassignments of targets to classes; 0: none."
    )
    codebook: float = Field(
        2.0, ge=1, le=16, description="Targets to choose from, over the number of classes."
    )


def orthohash_loss(
    relaxed: Tensor, targets: Tensor, labels: Tensor, scale: float, margin: float
) -> LossTerms:
    """Cross-entropy over scaled cosines with a margin; several labels share the mass evenly.

    Args:
        relaxed: (b, K) codes before the sign.
        targets: (C, K) in {-1, +1}.
        labels: (b, C) bool; a row without labels costs nothing.
        scale: scale of the cosines.
        margin: subtracted where the label is set.
    """
    cosine = F.normalize(relaxed) @ F.normalize(targets).T  # (b, C)
    logits = scale * (cosine - margin * labels)
    return {"classification": F.cross_entropy(logits, label_shares(labels))}


def reassigned(sums: Tensor, codebook: Tensor) -> Tensor:
    """The codeword (C, K) of each class under the matching with the highest cosine in sum.

    Args:
        sums: (C, K) sum of the unit relaxed codes of each class.
        codebook: (M, K) in {-1, +1}, M >= C.
    """
    cosine = F.normalize(sums) @ F.normalize(codebook).T
    _, chosen = linear_sum_assignment(cosine.numpy(), maximize=True)
    return codebook[torch.from_numpy(chosen)]


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
        deviations=(
            "Targets are Hadamard rows, or far apart where these do not suffice, not random bits.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet, Hadamard targets)",
                bits=64,
                metric="mAP@1000",
                value=0.717,
                source="the paper's supplement; 0.711 with Bernoulli targets",
                provenance="paper",
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
        count = round(self.config.codebook * classes) if self.config.reassign else classes
        self._codebook = hash_centres(count, self.bits, generator)
        self._targets = self._codebook[:classes]
        self._sums = torch.zeros(classes, self.bits)
        self._scale = self.config.scale or max(math.sqrt(2) * math.log(max(classes - 1, 2)), 1.0)

    def on_epoch_start(self, epoch: int) -> None:
        """Match targets to the classes' mean codes of the last epoch, where that is due."""
        every, done = self.config.reassign, epoch - 1
        if every and done and done % every == 0:
            self._targets = reassigned(self._sums, self._codebook)
        self._sums = torch.zeros_like(self._sums)

    def loss(self, batch: Batch) -> LossTerms:
        """`orthohash_loss` of the batch."""
        self._sums += batch.known_labels.float().T @ F.normalize(batch.relaxed[0].detach())
        return orthohash_loss(
            batch.relaxed[0], self._targets, batch.known_labels, self._scale, self.config.margin
        )


METHOD = OrthoHash
