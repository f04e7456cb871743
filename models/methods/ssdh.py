"""SSDH: semantic structure-based unsupervised deep hashing (Yang et al., IJCAI 2018).

Idea: two half Gaussians, left and right of the mode, describe the cosine distances of all pairs of
features. Pairs far below the mode are taken as similar, pairs far above it as dissimilar, and codes
are learned from these; the others are left alone.

    paper            here                shape
    m_l, sigma_l     mode, left spread           of the distances below the mode
    m_r, sigma_r     mode, right spread
    d_l, d_r         near, far                   m_l - alpha sigma_l, m_r + beta sigma_r
    S                similarity          (b, b)  in {-1, 0, +1}, made for each batch
    H                cosine              (b, b)  inner products of relaxed codes over K

The distances are those of a sample of pairs, so no (n, n) matrix is ever formed.

Deviation: a linear head on frozen, centred features instead of the whole network. Small batches and
no hidden layer, as in the paper, matter: both raised the mAP on CIFAR-10 validation images.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported, TrainingSet
from models.training import LossTerms

_SAMPLE = 1000  # images whose pairs give the distribution of distances
_BINS = 200  # of its histogram, over [0, 2]


class SSDHConfig(DeepConfig):
    """Hyper-parameters of SSDH."""

    hidden: int = Field(0, ge=0, le=8192, description="Width of the hidden layer; 0: linear.")
    batch: int = Field(32, ge=2, le=65536, description="Images in a mini-batch.")
    alpha: float = Field(
        2.0, ge=0, le=10, description="Spreads below the mode from where a pair is similar."
    )
    beta: float = Field(
        2.0, ge=0, le=10, description="Spreads above the mode from where a pair is dissimilar."
    )


def cosine_distances(features: Tensor) -> Tensor:
    """1 - cosine of all pairs of features (b, d), (b, b)."""
    unit = F.normalize(features)
    return 1 - unit @ unit.T


def distance_thresholds(distances: Tensor, alpha: float, beta: float) -> tuple[float, float]:
    """Distances below and above which a pair is similar and dissimilar.

    Args:
        distances: (p,) cosine distances of pairs, in [0, 2].
        alpha: spreads below the mode.
        beta: spreads above the mode.
    """
    counts = torch.histc(distances, _BINS, 0, 2)
    mode = (counts.argmax().item() + 0.5) * 2 / _BINS
    left, right = distances[distances <= mode], distances[distances > mode]
    spreads = [
        ((side - mode).square().sum() / max(len(side), 1)).sqrt().item() for side in (left, right)
    ]
    return mode - alpha * spreads[0], mode + beta * spreads[1]


def ssdh_loss(relaxed: Tensor, similarity: Tensor) -> LossTerms:
    """Squared difference of code cosines and similarity, over the pairs that have one.

    Args:
        relaxed: (b, K) relaxed codes in [-1, 1].
        similarity: (b, b) in {-1, 0, +1}; 0: not known.
    """
    cosine = relaxed @ relaxed.T / relaxed.shape[1]
    return {"similarity": (similarity.abs() * (cosine - similarity).square()).mean()}


class SSDH(DeepHashMethod):
    """Codes from the pairs whose features are clearly near or far."""

    card = MethodCard(
        name="ssdh",
        title="SSDH",
        summary="Pairs of clearly near or far features teach the codes; the others are left alone.",
        authors="E. Yang, C. Deng, T. Liu, W. Liu, D. Tao",
        venue="IJCAI",
        year=2018,
        paper="https://doi.org/10.24963/ijcai.2018/148",
        supervision="unsupervised",
        fidelity="paper",
        deviations=(
            "A linear head on frozen, centred features instead of the whole network.",
            "Near-copies among the training images count once, while the backbone is frozen.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.146,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = SSDHConfig
    config: SSDHConfig
    copies_count_once = True

    def on_fit_start(self, train: TrainingSet) -> None:
        """Fit the half Gaussians to the pairs of a sample of the images."""
        generator = torch.Generator().manual_seed(self.seed)
        sample = torch.randperm(len(train), generator=generator)[:_SAMPLE]
        distances = cosine_distances(train.features[sample])
        pairs = distances[torch.ones_like(distances, dtype=torch.bool).triu(1)]
        self._near, self._far = distance_thresholds(pairs, self.config.alpha, self.config.beta)

    def similarity(self, features: Tensor) -> Tensor:
        """Similarity of each pair by the distances of features (b, d): (b, b) in {-1, 0, +1}."""
        distances = cosine_distances(features)
        return (distances < self._near).float() - (distances > self._far).float()

    def loss(self, batch: Batch) -> LossTerms:
        """`ssdh_loss` on the batch's pairs."""
        return ssdh_loss(batch.relaxed[0], self.similarity(batch.views[0]))


METHOD = SSDH
