"""DFADH (reconstruction): deep feature attended deep hashing for multi-label retrieval.

After the one-paragraph description in Z. Y. Ni's thesis, "Research on large-scale image retrieval
based on deep hashing", 2022; no paper or code is public. The description fixes four things: a
similarity from label co-occurrence for single-label and multi-label data (D1), a similarity from
deep features (D2), a corrected similarity from both (D3), a likelihood loss and a
similarity-difference loss (D4). The rest is ours (docs/house-methods.md); the split into hard and
soft pairs follows IDHN (Zhang et al., TMM 2020, https://arxiv.org/abs/1803.02987).

Idea: how often two labels occur together says how alike images with them are; deep features correct
it. Sure pairs are learned by likelihood, all pairs by the difference to the corrected similarity.
Beside the pairs of images, each image meets a learned prototype of every label (the proxies of
HyP2, Xu et al., MM 2022, https://arxiv.org/abs/2208.02415): our addition, without which longer
codes gain little.

    here         shape    meaning
    affinity     (C, C)   A_cd = N_cd / sqrt(N_cc N_dd), co-occurrence of labels c and d
    overlap      (b, b)   c_ij, cosine of the label sets under (1 - tau) I + tau A
    likeness     (b, b)   v_ij, cosine of the features, stretched to [0, 1] by two quantiles
    target       (b, b)   corrected similarity in [0, 1]
    hard         (b, b)   pairs with equal labels, or without a shared label and with little overlap
    prototypes   (C, K)   learned, one per label
"""

from __future__ import annotations

import logging
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from models.centres import coding_margin, proxy_loss
from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, TrainingSet
from models.training import LossTerms

_log = logging.getLogger(__name__)
_QUANTILES = (0.5, 0.995)  # of random pairs; cosines below the first count as unlike
_PAIRS = 100_000  # sampled for the quantiles
_BLOCK = 10_000  # of them whose features are in memory at a time
_DISSIMILAR = 0.2  # overlap below which pairs without a shared label are surely unlike
_NO_ROOM = 32  # bits up to which prototypes get no weight; from twice as many they get all
_FEW = 0.05  # share of hard pairs that calls for a warning


class DFADHConfig(DeepConfig):
    """Hyper-parameters of DFADH; see the module for the symbols."""

    tau: float = Field(0.3, ge=0, le=1, description="Weight of co-occurrence; 0: label cosine.")
    affinity_floor: float = Field(
        0.1, ge=0, le=1, description="Co-occurrence below this counts as none."
    )
    mu: float = Field(0.8, ge=0, le=1, description="Label share of the target of soft pairs.")
    epsilon: float = Field(0.05, ge=0, le=1, description="Feature share for hard pairs.")
    kappa: float = Field(5.0, gt=0, le=50, description="Scale of the likelihood's logits.")
    likelihood: float = Field(1.0, ge=0, le=100, description="Weight of the likelihood loss.")
    difference: float = Field(
        1.0, ge=0, le=100, description="Weight of the similarity-difference loss."
    )
    unlike: float = Field(
        24.0, ge=0, le=256, description="Similarity 0 is at cosine -unlike / bits, at least -1."
    )
    prototypes: float = Field(
        8.0, ge=0, le=100, description="Weight of label prototypes; none up to 32 bits."
    )
    quantization: float = Field(0.0, ge=0, le=100, description="Weight of the quantization term.")
    pairs: Literal["batch", "bank"] = Field(
        "batch", description="Pairs within the batch, or with the last codes of all images."
    )


def label_affinity(labels: Tensor, floor: float) -> Tensor:
    """Co-occurrence affinity (C, C), symmetric, diagonal 1, entries in [0, 1].

    On single-label data it is the identity, so that co-occurrence changes nothing (D1).

    Args:
        labels: (n, C) bool.
        floor: off-diagonal entries below it are set to 0.
    """
    counts = labels.float().T @ labels.float()  # (C, C): N_cd
    frequency = counts.diagonal().clamp(min=1)
    affinity = counts / (frequency[:, None] * frequency[None, :]).sqrt()
    affinity = torch.where(affinity < floor, 0.0, affinity)
    return affinity.fill_diagonal_(1)


def label_overlap(left: Tensor, right: Tensor, affinity: Tensor, tau: float) -> Tensor:
    """Cosine (b, m) of label sets under (1 - tau) I + tau * affinity, clipped to [0, 1].

    The clip is needed because the floor can make the affinity indefinite.

    Args:
        left: (b, C) bool, at least one label per row.
        right: (m, C) bool, the same.
        affinity: (C, C) from `label_affinity`.
        tau: 0 gives the plain cosine of the label vectors (IDHN).
    """
    mixed = (1 - tau) * torch.eye(len(affinity)) + tau * affinity
    rows, columns = left.float() @ mixed, right.float() @ mixed
    norm_left = (rows * left).sum(1).clamp(min=1e-12).sqrt()
    norm_right = (columns * right).sum(1).clamp(min=1e-12).sqrt()
    return (rows @ right.float().T / (norm_left[:, None] * norm_right[None, :])).clamp(0, 1)


def corrected_similarity(
    left: Tensor, right: Tensor, overlap: Tensor, likeness: Tensor, mu: float, epsilon: float
) -> tuple[Tensor, Tensor]:
    """The corrected similarity (b, m) in [0, 1], and which pairs are hard (b, m).

    Args:
        left: (b, C) bool.
        right: (m, C) bool.
        overlap: (b, m) c_ij.
        likeness: (b, m) v_ij.
        mu: label share for soft pairs.
        epsilon: feature share for hard pairs.
    """
    shared = left.float() @ right.float().T
    size_left, size_right = left.sum(1)[:, None], right.sum(1)[None, :]
    equal = (shared == size_left) & (shared == size_right)
    hard = equal | ((shared == 0) & (overlap < _DISSIMILAR))
    soft_target = mu * overlap + (1 - mu) * likeness
    hard_target = (1 - epsilon) * overlap + epsilon * likeness
    return torch.where(hard, hard_target, soft_target), hard


def dfadh_loss(
    relaxed: Tensor, others: Tensor, target: Tensor, hard: Tensor, kappa: float, unlike: float
) -> LossTerms:
    """Likelihood over hard pairs, similarity difference over all pairs, quantization.

    Relaxed codes are compared by their cosine: as signs all have length sqrt(K), and with an inner
    product the network would spend its output on lengths that the signs forget.

    Args:
        relaxed: (b, K) relaxed codes.
        others: (m, K) relaxed codes on the other side of the pairs.
        target: (b, m) corrected similarity.
        hard: (b, m) bool.
        kappa: scale of the logits kappa cos(u_i, u_j).
        unlike: cosine that stands for similarity 0, as 1 stands for 1.
    """
    cosine = F.normalize(relaxed) @ F.normalize(others).T  # (b, m)
    logits = kappa * cosine
    likelihood = (F.softplus(logits) - target * logits) * hard
    difference = ((cosine - unlike) / (1 - unlike) - target).square() * relaxed.shape[1]
    return {
        "likelihood": likelihood.sum() / hard.sum().clamp(min=1),
        "difference": difference.mean(),
        "quantization": (relaxed.abs() - 1).abs().mean(),
    }


class DFADH(DeepHashMethod):
    """Deep feature attended deep hashing, reconstructed from its description."""

    card = MethodCard(
        name="dfadh",
        title="DFADH (reconstruction)",
        summary="Label co-occurrence, corrected by deep features, as a graded target for pairs.",
        authors="Z. Y. Ni",
        venue="Master's thesis",
        year=2022,
        paper="",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="reconstruction",
        deviations=(
            "Reconstructed from a one-paragraph description; nothing more is public.",
            "Label prototypes are our addition, after HyP2.",
        ),
        ablations={
            "co-occurrence off": {"tau": 0.0},
            "deep-feature correction off": {"mu": 1.0, "epsilon": 0.0},
            "likelihood off": {"likelihood": 0.0},
            "similarity difference off": {"difference": 0.0},
            "label prototypes off": {"prototypes": 0.0},
            "similarity 0 at cosine -1": {"unlike": 256.0},
            "quantization on": {"quantization": 0.1},
            "co-occurrence at full weight": {"tau": 1.0, "affinity_floor": 0.0},
            "bank pairs": {"pairs": "bank"},
            "linear head": {"hidden": 0, "dropout": 0.0},
        },
    )
    Config = DFADHConfig
    config: DFADHConfig

    def on_fit_start(self, train: TrainingSet) -> None:
        """Label statistics, feature quantiles and, with `pairs: bank`, the bank of codes."""
        labels = _labelled(train.labels)
        self._labels = labels
        self._affinity = label_affinity(labels, self.config.affinity_floor)
        self._points = F.normalize(train.features)
        generator = torch.Generator().manual_seed(self.seed)
        first, second = (
            torch.randint(len(labels), (min(_PAIRS, len(labels) ** 2),), generator=generator)
            for _ in range(2)
        )
        different = first != second
        cosine = torch.cat(
            [
                (self._points[left] * self._points[right]).sum(1)
                for left, right in zip(
                    torch.split(first[different], _BLOCK),
                    torch.split(second[different], _BLOCK),
                    strict=True,
                )
            ]
        )
        low, high = (float(q) for q in torch.quantile(cosine, torch.tensor(_QUANTILES)))
        self._range = low, max(high - low, 1e-6)
        self._bank = torch.zeros(len(labels), self.bits)
        classes = labels.shape[1]
        weights = torch.Generator().manual_seed(self.seed)
        self._room = min(max(self.bits / _NO_ROOM - 1, 0.0), 1.0)
        self._prototypes = nn.Parameter(torch.randn(classes, self.bits, generator=weights))
        self._margin = coding_margin(self.bits, classes)
        _warn_of_few_hard_pairs(labels, self._affinity, self.config.tau, first, second)

    def learnable(self) -> list[Tensor]:
        """Prototypes, which learn with the head where the code has room for them."""
        return [self._prototypes] if self._room else []

    def loss(self, batch: Batch) -> LossTerms:
        """The weighted terms of `dfadh_loss` on the batch's pairs, and of `proxy_loss`."""
        config, rows, relaxed = self.config, batch.rows, batch.relaxed[0]
        if config.pairs == "bank":
            self._bank[rows] = relaxed.detach()
            partners, others = torch.arange(len(self._bank)), self._bank
        else:
            partners, others = rows, relaxed
        left, right = self._labels[rows], self._labels[partners]
        overlap = label_overlap(left, right, self._affinity, config.tau)
        low, width = self._range
        likeness = ((self._points[rows] @ self._points[partners].T - low) / width).clamp(0, 1)
        target, hard = corrected_similarity(
            left, right, overlap, likeness, config.mu, config.epsilon
        )
        unlike = -min(1.0, config.unlike / self.bits)
        terms = dfadh_loss(relaxed, others, target, hard, config.kappa, unlike)
        if self._room:
            to_prototypes = proxy_loss(relaxed, self._prototypes, left, self._margin)
            terms["prototypes"] = self._room * torch.stack(to_prototypes).sum()
        return {name: getattr(config, name) * value for name, value in terms.items()}


METHOD = DFADH


def _labelled(labels: Tensor | None) -> Tensor:
    """The labels, each image with at least one.

    Raises:
        ValueError: an image has none.
    """
    assert labels is not None  # a supervised method's labels are checked before
    unlabelled = int((labels.sum(1) == 0).sum())
    if unlabelled:
        raise ValueError(f"DFADH needs a label on every image; {unlabelled} have no labels")
    return labels


def _warn_of_few_hard_pairs(
    labels: Tensor, affinity: Tensor, tau: float, first: Tensor, second: Tensor
) -> None:
    """Warn when the likelihood has almost no positive or no negative pairs to learn from."""
    left, right = labels[first], labels[second]
    shared = (left & right).sum(1)
    positive = ((shared == left.sum(1)) & (shared == right.sum(1))).float().mean()
    mixed = (1 - tau) * torch.eye(len(affinity)) + tau * affinity

    def product(a: Tensor, b: Tensor) -> Tensor:
        return ((a.float() @ mixed) * b).sum(1)

    overlap = product(left, right) / (product(left, left) * product(right, right)).sqrt()
    negative = ((shared == 0) & (overlap < _DISSIMILAR)).float().mean()
    for name, share in (("similar", positive), ("dissimilar", negative)):
        if share < _FEW:
            _log.warning("DFADH: only %.1f %% of pairs are surely %s", 100 * share, name)
