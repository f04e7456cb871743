"""DPSH: deep pairwise-supervised hashing (Li, Wang, Kang, IJCAI 2016, https://arxiv.org/abs/1511.03855).

Idea: the inner product of two relaxed codes is the log-odds that the pair shares a label; a penalty
pulls the codes to the corners.

    paper    here          shape
    u_i      relaxed       (b, K)
    s_ij     similarity    (b, b)
    theta    logits        (b, b)   half the inner product
    eta      config.eta

Deviations: pairs are formed within the batch, terms are means over pairs and bits so that eta does
not depend on the batch size (0.1, where the sums of the paper have 10 or 100), and relaxed codes
pass a tanh, where the paper's are not bounded.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported
from models.similarity import shares_label
from models.training import LossTerms


class DPSHConfig(DeepConfig):
    """Hyper-parameters of DPSH."""

    epochs: int = passes(30)
    eta: float = Field(0.1, ge=0, le=100, description="Weight of the quantization term.")


def dpsh_loss(relaxed: Tensor, similarity: Tensor, eta: float) -> LossTerms:
    """Negative log-likelihood of the pair labels plus quantization (the paper's objective).

    Args:
        relaxed: (b, K) relaxed codes.
        similarity: (b, b) 1 where a pair shares a label, else 0.
        eta: weight of the quantization term.
    """
    logits = relaxed @ relaxed.T / 2
    pairwise = F.softplus(logits) - similarity * logits  # log(1 + e^theta) - s theta, stable
    corners = torch.where(relaxed.detach() >= 0, 1.0, -1.0)
    return {
        "pairwise": pairwise.mean(),
        "quantization": eta * (relaxed - corners).square().mean(),
    }


class DPSH(DeepHashMethod):
    """Deep pairwise-supervised hashing."""

    card = MethodCard(
        name="dpsh",
        title="DPSH",
        summary="Inner products of codes are log-odds of sharing a label.",
        authors="W.-J. Li, S. Wang, W.-C. Kang",
        venue="IJCAI",
        year=2016,
        paper="https://arxiv.org/abs/1511.03855",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "Pairs within the batch; terms are means over pairs and bits.",
            "eta is 0.1 for these means; the paper has 10 or 100 for its sums.",
            "Relaxed codes pass a tanh.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="CIFAR-10 (cifar10-59k, CNN-F)",
                bits=48,
                metric="mAP@all",
                value=0.757,
                source="the paper, table 3",
                provenance="paper",
            ),
        ),
    )
    Config = DPSHConfig
    config: DPSHConfig

    def loss(self, batch: Batch) -> LossTerms:
        """`dpsh_loss` on the batch's pairs."""
        return dpsh_loss(
            batch.relaxed[0], shares_label(batch.known_labels, batch.known_labels), self.config.eta
        )


METHOD = DPSH
