"""SDC: similarity distribution calibration (Ng et al., BMVC 2023, https://arxiv.org/abs/2302.07669).

Idea: cosines of features crowd into a narrow range, and codes that copy them cannot tell pairs
apart. So only their order is kept: sorted by feature cosine, the pairs of a batch shall have the
quantiles of a wide Beta distribution as their code cosines.

    paper       here           shape
    h           outputs        (b, K)   of the head
    q_(i)       quantiles      (b/2,)   of Beta(a, a), stretched to [-1, 1]

As in the authors' code, the pairs are those between the two halves of the batch, and quantiles
below 0 are raised to 0: unlike pairs are asked for codes at a right angle, not for opposite ones.

Deviations: centred features, the house's head, and no contrastive term, which the paper adds for
its best figures; 60 epochs in batches of 128, where the authors have 100 of 64. The batch sets how
many quantiles there are: b / 2.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import betaincinv
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported
from models.pairs import half_cosines
from models.training import LossTerms


class SDCConfig(DeepConfig):
    """Hyper-parameters of SDC."""

    concentration: float = Field(
        5.0, gt=0, le=100, description="Parameter a of Beta(a, a): lower spreads the codes more."
    )
    orthogonal: bool = Field(
        True, description="Unlike pairs at right angles; off: opposite codes are asked for too."
    )
    quantization: float = Field(1.0, ge=0, le=100, description="Weight of the quantization term.")


def quantiles(count: int, concentration: float, orthogonal: bool) -> Tensor:
    """The code cosines (count,) that pairs shall have, rising.

    Args:
        count: number of pairs.
        concentration: a of Beta(a, a).
        orthogonal: whether negative ones become 0.
    """
    values = torch.from_numpy(_quantiles(count, concentration))
    return values.relu() if orthogonal else values.clone()


@lru_cache(maxsize=8)  # a full batch and the last one, for a few settings; not to be changed
def _quantiles(count: int, concentration: float) -> NDArray[np.float32]:
    shares = (np.arange(count) + 0.5) / count
    return 2 * betaincinv(concentration, concentration, shares).astype(np.float32) - 1


def sdc_loss(outputs: Tensor, features: Tensor, wanted: Tensor, quantization: float) -> LossTerms:
    """Absolute difference of code cosines and wanted ones, in the order of the feature cosines.

    Args:
        outputs: (b, K) real outputs h of the head.
        features: (b, d).
        wanted: (b // 2,) rising cosines.
        quantization: weight of 1 - cos(h, sign h).
    """
    order = half_cosines(features).argsort()
    to_sign = F.cosine_similarity(outputs, torch.where(outputs >= 0, 1.0, -1.0))
    return {
        "calibration": F.l1_loss(half_cosines(outputs)[order], wanted),
        "quantization": quantization * (1 - to_sign).mean(),
    }


class SDC(DeepHashMethod):
    """Code cosines in the order of the feature cosines, spread as a Beta distribution."""

    card = MethodCard(
        name="sdc",
        title="SDC",
        summary="Keeps the order of the features' cosines and spreads them as a Beta distribution.",
        authors="K. W. Ng, X. Zhu, J. T. Hoe, C. S. Chan, T. Zhang, Y.-Z. Song, T. Xiang",
        venue="BMVC",
        year=2023,
        paper="https://arxiv.org/abs/2302.07669",
        supervision="unsupervised",
        fidelity="authors' code",
        deviations=(
            "Centred features and the house's head; no contrastive term.",
            "60 epochs in batches of 128 instead of 100 in batches of 64: more quantiles a step.",
            "Near-copies among the training images count once, while the backbone is frozen.",
        ),
        reported=(
            Reported(
                dataset="CIFAR-10 (cifar10-59k, VGG-16, with the contrastive term)",
                bits=64,
                metric="mAP@1000",
                value=0.663,
                source="the paper",
                provenance="paper",
            ),
        ),
    )
    Config = SDCConfig
    config: SDCConfig
    copies_count_once = True

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: the loss looks at angles only."""
        return outputs

    def loss(self, batch: Batch) -> LossTerms:
        """`sdc_loss` of the batch."""
        config = self.config
        wanted = quantiles(len(batch.rows) // 2, config.concentration, config.orthogonal)
        return sdc_loss(
            batch.relaxed[0],
            batch.views[0],
            wanted.to(batch.rows.device),
            config.quantization,
        )


METHOD = SDC
