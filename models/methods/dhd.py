"""DHD: deep hash distillation (Jang et al., ECCV 2022, https://arxiv.org/abs/2112.08816).

Idea: one view of an image, the teacher, learns from the proxies of its labels; another, augmented
more, the student, shall get the teacher's code. So codes resist what augmentation does to an image.

    paper       here           shape
    h_T, h_S    teacher, student  (b, K)   relaxed codes of the two views
    theta       proxies        (C, K)   learned
    tau         temperature
    lambda_1    distillation
    lambda_2    quantization
    sigma       sigma                   width of the bells around -1 and +1

Deviations: the teacher sees the plain image, where that of the authors sees a weak augmentation;
the student sees one augmented view, computed once and cached. Features that do not learn make an
augmented teacher dear: it cost two points of mAP on validation images. The head of all deep
methods, a hidden layer and batch norm, on frozen features, where the authors train the whole
network below a linear layer with layer norm. 60 epochs, where the authors' script has up to 500.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from models.deep import Batch, DeepConfig, DeepHashMethod
from models.method import MethodCard, Reported, TrainingSet
from models.training import LossTerms


class DHDConfig(DeepConfig):
    """Hyper-parameters of DHD."""

    temperature: float = Field(0.2, gt=0, le=10, description="Divides the cosines to the proxies.")
    distillation: float = Field(0.1, ge=0, le=100, description="Weight of teacher and student.")
    quantization: float = Field(0.1, ge=0, le=100, description="Weight of the bits' likelihood.")
    sigma: float = Field(0.5, gt=0, le=10, description="Width of the bells around the bits.")


def proxy_entropy(codes: Tensor, proxies: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of the softmax over proxies with the labels of an image, equally weighted.

    Args:
        codes: (b, K) relaxed codes.
        proxies: (C, K).
        labels: (b, C) bool; images without a label count 0.
        temperature: divides the cosines.
    """
    logits = F.normalize(codes) @ F.normalize(proxies).T / temperature  # (b, C)
    wanted = labels.float() / labels.sum(1, keepdim=True).clamp(min=1)
    return -(wanted * logits.log_softmax(1)).sum(1).mean()


def bit_likelihood(relaxed: Tensor, sigma: float) -> Tensor:
    """Binary cross-entropy of being the own bit, and of not being the other (the paper's L_bce-Q).

    Args:
        relaxed: (b, K) in [-1, 1].
        sigma: width of the bell exp(-(h -+ 1)^2 / (2 sigma^2)) that stands for the probability.
    """
    positive = (relaxed > 0).to(relaxed)
    loss = relaxed.new_zeros(())
    for bit, wanted in ((1, positive), (-1, 1 - positive)):
        bell = torch.exp(-0.5 * ((relaxed - bit) / sigma).square())
        loss = loss + F.binary_cross_entropy(bell, wanted)
    return loss


def dhd_loss(
    teacher: Tensor, student: Tensor, proxies: Tensor, labels: Tensor, config: DHDConfig
) -> LossTerms:
    """Proxies and bits for the teacher; the student follows it, and the teacher not the student.

    Args:
        teacher: (b, K) relaxed codes of the plain images.
        student: (b, K) of augmented ones.
        proxies: (C, K).
        labels: (b, C) bool.
        config: temperature, sigma and weights.
    """
    distance = 1 - F.cosine_similarity(student, teacher.detach())
    return {
        "proxies": proxy_entropy(teacher, proxies, labels, config.temperature),
        "distillation": config.distillation * distance.mean(),
        "quantization": config.quantization * bit_likelihood(teacher, config.sigma),
    }


class DHD(DeepHashMethod):
    """Codes that resist augmentation, distilled from view to view."""

    card = MethodCard(
        name="dhd",
        title="DHD",
        summary="One view learns from label proxies, another view follows its code.",
        authors="Y. K. Jang, G. Gu, B. Ko, I. Kang, N. I. Cho",
        venue="ECCV",
        year=2022,
        paper="https://arxiv.org/abs/2112.08816",
        supervision="supervised",
        label_kinds=("single", "multi"),
        views=2,
        fidelity="authors' code",
        deviations=(
            "The teacher sees the plain image; the authors' sees a weak augmentation.",
            "The student's view of an image is augmented once and cached.",
            "A head on frozen features instead of the whole network.",
            "A hidden layer and batch norm instead of one linear layer and layer norm.",
        ),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.721,
                source="the paper, as quoted in an issue of the authors' repository",
                provenance="issue thread",
            ),
        ),
    )
    Config = DHDConfig
    config: DHDConfig

    def on_fit_start(self, train: TrainingSet) -> None:
        """Start the proxies at random."""
        assert train.labels is not None  # checked by the base class
        generator = torch.Generator().manual_seed(self.seed)
        classes = train.labels.shape[1]
        self._proxies = nn.Parameter(torch.randn(classes, self.bits, generator=generator))

    def learnable(self) -> list[Tensor]:
        """Proxies, which learn with the head."""
        return [self._proxies]

    def loss(self, batch: Batch) -> LossTerms:
        """`dhd_loss` of the plain images and their augmented views."""
        teacher, student = batch.relaxed
        return dhd_loss(teacher, student, self._proxies, batch.known_labels, self.config)


METHOD = DHD
