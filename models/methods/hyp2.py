"""HyP2: hybrid proxy-pair loss for multi-label hashing (Xu et al., MM 2022, https://arxiv.org/abs/2208.02415).

Idea: codes approach the learned proxies of their labels and leave the others beyond a margin; pairs
of multi-label images without a common label are pushed apart as well.

    paper    here          shape
    p_c      proxies       (C, K)   learned
    zeta     margin                 cosine beyond which an unrelated pair costs nothing
    beta     config.beta            weight of the pair term

Deviations: the margin comes from the random-coding bound for (K, C) instead of the authors' table.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from models.centres import coding_margin, proxy_loss
from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported, TrainingSet
from models.training import LossTerms


class HyP2Config(DeepConfig):
    """Hyper-parameters of HyP2."""

    beta: float = Field(0.5, ge=0, le=100, description="Weight of unrelated multi-label pairs.")
    margin: float = Field(-1.0, ge=-1, lt=1, description="Cosine margin zeta; -1: from K and C.")


def hyp2_loss(
    relaxed: Tensor, proxies: Tensor, labels: Tensor, margin: float, beta: float
) -> LossTerms:
    """Attraction to own proxies, repulsion from others, repulsion of unrelated pairs.

    Args:
        relaxed: (b, K).
        proxies: (C, K).
        labels: (b, C) bool.
        margin: cosine below which nothing is repelled.
        beta: weight of the pairs.
    """
    codes = F.normalize(relaxed)
    attraction, repulsion = proxy_loss(codes, proxies, labels, margin)
    several = labels.sum(1) > 1
    shared = labels.float() @ labels.float().T
    unrelated = ((shared == 0) & several[:, None] & several[None, :]).float()
    pairs = (F.relu(codes @ codes.T - margin) * unrelated).sum() / unrelated.sum().clamp(min=1)
    return {"attraction": attraction, "repulsion": repulsion, "pairs": beta * pairs}


class HyP2(DeepHashMethod):
    """Hybrid proxy-pair hashing."""

    card = MethodCard(
        name="hyp2",
        title="HyP2",
        summary="Learned proxies of labels, and unrelated multi-label pairs pushed apart.",
        authors="C. Xu, Z. Chai, Z. Xu, C. Yuan, Y. Fan, J. Wang",
        venue="ACM Multimedia",
        year=2022,
        paper="https://arxiv.org/abs/2208.02415",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "The margin comes from the random-coding bound instead of the authors' table.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="NUS-WIDE-21 (nus21, AlexNet)",
                bits=48,
                metric="mAP@5000",
                value=0.843,
                source="the paper's table",
                provenance="authors' repository",
            ),
        ),
    )
    Config = HyP2Config
    config: HyP2Config

    def activation(self, outputs: Tensor) -> Tensor:
        """The code layer itself: the loss looks at angles only."""
        return outputs

    def on_fit_start(self, train: TrainingSet) -> None:
        """Start the proxies at random."""
        assert train.labels is not None  # checked by the base class
        classes = train.labels.shape[1]
        generator = torch.Generator().manual_seed(self.seed)
        self._proxies = nn.Parameter(torch.randn(classes, self.bits, generator=generator))
        given = self.config.margin
        self._margin = given if given > -1 else coding_margin(self.bits, classes)

    def learnable(self) -> list[Tensor]:
        """Proxies, which learn with the head."""
        return [self._proxies]

    def loss(self, batch: Batch) -> LossTerms:
        """`hyp2_loss` of the batch."""
        return hyp2_loss(
            batch.relaxed[0], self._proxies, batch.known_labels, self._margin, self.config.beta
        )


METHOD = HyP2
