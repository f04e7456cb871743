"""CSQ: central similarity quantization (Yuan et al., CVPR 2020, https://arxiv.org/abs/1908.00347).

Idea: every class has a hash centre, far from the others; codes are drawn to the centre of their
class, or, with several labels, to the bitwise majority of the centres.

    paper    here        shape
    c_i      goals       (b, K)   centre of image i in {-1, +1}
    h_i      relaxed     (b, K)
    lambda   config.quantization
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.centres import hash_centres, majority_centres
from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported, TrainingSet
from models.training import LossTerms


class CSQConfig(DeepConfig):
    """Hyper-parameters of CSQ."""

    epochs: int = passes(30)
    quantization: float = Field(1e-4, ge=0, le=100, description="Weight of (|h| - 1)^2 (lambda).")


def csq_loss(relaxed: Tensor, goals: Tensor, quantization: float) -> LossTerms:
    """Bitwise cross-entropy to the centre plus quantization, the square of the authors' code.

    Args:
        relaxed: (b, K) in (-1, 1).
        goals: (b, K) in {-1, +1}.
        quantization: weight of the second term.
    """
    probability = ((relaxed + 1) / 2).clamp(1e-6, 1 - 1e-6)
    return {
        "central": F.binary_cross_entropy(probability, (goals + 1) / 2),
        "quantization": quantization * (relaxed.abs() - 1).square().mean(),
    }


class CSQ(DeepHashMethod):
    """Central similarity quantization."""

    card = MethodCard(
        name="csq",
        title="CSQ",
        summary="Codes are drawn to a well-separated centre of their class.",
        authors="L. Yuan, T. Wang, X. Zhang, F. E. H. Tay, Z. Jie, W. Liu, J. Feng",
        venue="CVPR",
        year=2020,
        paper="https://arxiv.org/abs/1908.00347",
        supervision="supervised",
        label_kinds=("single", "multi"),
        fidelity="paper",
        deviations=(
            "Where no Hadamard matrix fits, centres are chosen far apart from random codes.",
            "A head on frozen features instead of the whole network.",
        ),
        reported=(
            Reported(
                dataset="NUS-WIDE-21 (nus21-m, AlexNet)",
                bits=64,
                metric="mAP@5000",
                value=0.789,
                source="the authors' repository",
                provenance="authors' repository",
            ),
        ),
    )
    Config = CSQConfig
    config: CSQConfig

    def on_fit_start(self, train: TrainingSet) -> None:
        """Choose centres and give every training image its goal."""
        assert train.labels is not None  # checked by the base class
        generator = torch.Generator().manual_seed(self.seed)
        centres = hash_centres(train.labels.shape[1], self.bits, generator)
        ties = torch.randint(0, 2, (self.bits,), generator=generator).float() * 2 - 1
        self._goals = majority_centres(train.labels, centres, ties)

    def loss(self, batch: Batch) -> LossTerms:
        """`csq_loss` of the batch."""
        return csq_loss(batch.relaxed[0], self._goals[batch.rows], self.config.quantization)


METHOD = CSQ
