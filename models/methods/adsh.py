"""ADSH: asymmetric deep supervised hashing (Jiang, Li, AAAI 2018, https://arxiv.org/abs/1707.08325).

Idea: inner products of network outputs with free codes of *all* training images approximate K times
the label similarity. Network and codes are updated by turns, the codes in closed form, bit by bit.

    paper    here         shape
    S        target       (n, n)   +1 for pairs that share a label, else -r; never formed
    u_i      relaxed      (b, K)
    v_j      codes        (n, K)   V, free codes in {-1, +1}
    gamma    config.gamma          times n K

Deviations: every image is in the sample Omega, whose outputs are kept from the mini-batches of the
round; the free codes serve training only, database images are encoded by the network; gamma is
larger and a round is one epoch, where the paper has three. With several labels per image, the
wanted inner products are 0.3 times the paper's: +K for every pair that shares a label cannot be
reached, and trying to gives all bits to the most frequent label (COCO validation images, 32 bits:
mAP 64 as in the paper, 80 here).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor

from models.asymmetric import asymmetric_loss, code_step
from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported, TrainingSet
from models.similarity import shares_label
from models.training import LossTerms

_SEVERAL = 0.3  # scale of the target where images have several labels


class ADSHConfig(DeepConfig):
    """Hyper-parameters of ADSH."""

    gamma: float = Field(
        0.03, ge=0, le=10, description="Weight of the quantization term, as a share of n K."
    )
    scale: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Wanted product of similar codes, over K; 0: 1, or 0.3 for several labels.",
    )
    round_epochs: int = Field(
        1, ge=1, le=100, description="Epochs of the network between two updates of the codes."
    )


@dataclass(frozen=True)
class LabelTarget:
    """S with +1 where images share a label and -r elsewhere, so that both sides weigh the same.

    Images with the same labels have the same row, so only distinct label sets are compared.

    Attributes:
        groups: (n,) number of each image's label set.
        similar: (G, G) entry of S for each pair of label sets.
    """

    groups: Tensor
    similar: Tensor

    @classmethod
    def of(cls, labels: Tensor, scale: float = 1.0) -> LabelTarget:
        """The target of labels (n, C) bool; r = share of similar pairs / share of the others."""
        distinct, groups = torch.unique(labels, dim=0, return_inverse=True)
        similar = shares_label(distinct, distinct)
        sizes = torch.bincount(groups).to(similar.dtype)
        n_similar = sizes @ similar @ sizes
        ratio = n_similar / (len(labels) ** 2 - n_similar).clamp(min=1)
        return cls(groups, scale * torch.where(similar > 0, similar, -ratio))

    def times(self, matrix: Tensor) -> Tensor:
        """S @ matrix: (n, c) for a matrix (n, c)."""
        sums = matrix.new_zeros(len(self.similar), matrix.shape[1])
        return (self.similar @ sums.index_add(0, self.groups, matrix))[self.groups]

    def energy(self) -> Tensor:
        """sum_j s_ij^2 of every row, (n,)."""
        return (self.similar.square() @ torch.bincount(self.groups).float())[self.groups]


class ADSH(DeepHashMethod):
    """Asymmetric deep supervised hashing."""

    card = MethodCard(
        name="adsh",
        title="ADSH",
        summary="Network outputs against free codes of all training images, updated by turns.",
        authors="Q.-Y. Jiang, W.-J. Li",
        venue="AAAI",
        year=2018,
        paper="https://arxiv.org/abs/1707.08325",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "Database images are encoded by the network; the free codes serve training only.",
            "Every image is sampled in every round; its output is that of the mini-batches.",
            "A round is one epoch instead of three.",
            "Quantization weighs more; with several labels the target is 0.3 of the paper's.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="CIFAR-10 (cifar10-59k, CNN-F, all labels seen, learned database codes)",
                bits=48,
                metric="mAP@all",
                value=0.943,
                source="the authors' repository",
                provenance="authors' repository",
            ),
        ),
    )
    Config = ADSHConfig
    config: ADSHConfig

    def on_fit_start(self, train: TrainingSet) -> None:
        """Form the target and start the free codes at random."""
        assert train.labels is not None  # checked by the base class
        usual = _SEVERAL if bool((train.labels.sum(1) > 1).any()) else 1.0
        self._target = LabelTarget.of(train.labels, self.config.scale or usual)
        self._energy = self._target.energy()
        generator = torch.Generator().manual_seed(self.seed)
        n = len(train)
        self._codes = torch.randint(0, 2, (n, self.bits), generator=generator).float() * 2 - 1
        self._outputs = torch.zeros(n, self.bits)

    def on_epoch_start(self, epoch: int) -> None:
        """Update the free codes at the start of every round but the first."""
        done = epoch - 1
        if done and done % self.config.round_epochs:
            return
        if done:
            every = torch.arange(len(self._codes))
            pulled = self._target.times(self._outputs)
            self._codes = code_step(self._codes, self._outputs, pulled, every, self.config.gamma)
        self._pull = self._target.times(self._codes)
        self._gram = self._codes.T @ self._codes

    def loss(self, batch: Batch) -> LossTerms:
        """`asymmetric_loss` against all free codes, and the distance to the own ones."""
        rows, relaxed = batch.rows, batch.relaxed[0]
        self._outputs[rows] = relaxed.detach()
        similarity = asymmetric_loss(
            relaxed, self._pull[rows], self._energy[rows], self._gram, len(self._codes)
        )
        distance = (relaxed - self._codes[rows]).square().sum(1).mean()
        return {"similarity": similarity, "quantization": self.config.gamma * distance}


METHOD = ADSH
