"""CIBHash: contrastive information bottleneck (Qiu et al., IJCAI 2021).

Paper: https://arxiv.org/abs/2105.06138.

Idea: of all codes in a batch, the code of one view of an image shall be most like that of another
view of the same image (NT-Xent). A second term draws the bit probabilities of the two views
together, which bounds what a code keeps of its view alone (information bottleneck).

    paper    here           shape
    p_i      relaxed + 1/2  (b, K)   probability that a bit is 1
    b_i      codes          (b, K)   signs of p - 1/2, with the gradient of the identity
    tau      temperature
    beta     beta

As in the authors' code, codes are the more likely bits, where the paper samples them.

The head is that of the authors. Deviations: the views of an image are four, augmented once and
cached, of which each step takes two; the temperature is 0.5 (0.3 in the paper), which raised the
mAP on CIFAR-10 validation images; 15 epochs in batches of 128, where the authors have 60 of 64. The
batch sets how many negatives a code has: 2 b - 2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.deep import Batch, DeepConfig, DeepHashMethod, passes
from models.method import MethodCard, Reported
from models.straight_through import straight_through_sign
from models.training import LossTerms

_EPSILON = 1e-8  # inside logarithms, as in the authors' code


class CIBHashConfig(DeepConfig):
    """Hyper-parameters of CIBHash."""

    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the code layer.")
    batch_norm: bool = Field(False, description="Batch norm after the code layer.")
    epochs: int = passes(15)
    temperature: float = Field(0.5, gt=0, le=10, description="Of the code cosines.")
    beta: float = Field(1e-3, ge=0, le=100, description="Weight of the divergence of the views.")


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding the other view among all other codes of the batch (SimCLR).

    Args:
        first: (b, K) codes of one view.
        second: (b, K) codes of another view of the same images.
        temperature: divides the cosines.
    """
    n = len(first)
    codes = F.normalize(torch.cat([first, second]))
    itself = torch.eye(2 * n, dtype=torch.bool)
    logits = (codes @ codes.T / temperature).masked_fill(itself, -torch.inf)
    return F.cross_entropy(logits, torch.arange(2 * n).roll(n))


def bit_divergence(probabilities: Tensor, others: Tensor) -> Tensor:
    """KL divergence of bits with these probabilities from others, (b, K) each: sum over bits.

    The others get no gradient.
    """
    others = others.detach()
    on = (probabilities + _EPSILON).log() - (others + _EPSILON).log()
    off = (1 - probabilities + _EPSILON).log() - (1 - others + _EPSILON).log()
    return (probabilities * on + (1 - probabilities) * off).sum(1).mean()


def cibhash_loss(first: Tensor, second: Tensor, temperature: float, beta: float) -> LossTerms:
    """Contrast of the codes of two views, and divergence of their bits both ways.

    Args:
        first: (b, K) probabilities minus 1/2, of one view.
        second: (b, K) of another view.
        temperature: temperature of the contrast.
        beta: weight of the divergence.
    """
    contrast = nt_xent(straight_through_sign(first), straight_through_sign(second), temperature)
    there, back = (
        bit_divergence(first + 0.5, second + 0.5),
        bit_divergence(second + 0.5, first + 0.5),
    )
    return {"contrast": contrast, "divergence": beta * (there + back) / 2}


class CIBHash(DeepHashMethod):
    """Codes by which the views of an image find each other."""

    card = MethodCard(
        name="cibhash",
        title="CIBHash",
        summary="Codes by which two augmented views of an image find each other in the batch.",
        authors="Z. Qiu, Q. Su, Z. Ou, J. Yu, C. Chen",
        venue="IJCAI",
        year=2021,
        paper="https://arxiv.org/abs/2105.06138",
        supervision="unsupervised",
        views=5,
        fidelity="authors' code",
        deviations=(
            "Four views of an image are augmented once and cached; a step takes two.",
            "The temperature is 0.5 instead of 0.3.",
            "15 epochs in batches of 128 instead of 60 in batches of 64: more negatives a code.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.322,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )
    Config = CIBHashConfig
    config: CIBHashConfig

    def activation(self, outputs: Tensor) -> Tensor:
        """Probabilities of the bits, minus 1/2."""
        return torch.sigmoid(outputs) - 0.5

    def loss(self, batch: Batch) -> LossTerms:
        """`cibhash_loss` of the two views."""
        first, second = batch.relaxed
        return cibhash_loss(first, second, self.config.temperature, self.config.beta)


METHOD = CIBHash
