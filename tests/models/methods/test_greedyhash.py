"""GreedyHash: a classifier on signs, the cubic penalty, and gradients through the sign."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from models.method import TrainingSet
from models.methods.greedyhash import GreedyHash, greedyhash_loss


def random_batch(n=5, bits=6, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed = 1.5 * torch.randn(n, bits, generator=generator)
    weight, bias = (
        torch.randn(*shape, generator=generator) for shape in ((classes, bits), (classes,))
    )
    labels = torch.rand(n, classes, generator=generator) < 0.3
    labels[torch.arange(n), torch.randint(classes, (n,), generator=generator)] = True
    return relaxed, weight, bias, labels


def test_loss_by_hand():
    """h = (0.5, -3): signs (1, -1). Weights give the first class 1 + 1, the second 0 + ln 2.

    Cross-entropy ln(e^2 + 2) - 2. Penalty (0.5^3 + 2^3) / 2, times 0.1.
    """
    terms = greedyhash_loss(
        torch.tensor([[0.5, -3.0]]),
        torch.tensor([[1.0, -1.0], [1.0, 1.0]]),
        torch.tensor([0.0, math.log(2)]),
        torch.tensor([[True, False]]),
        alpha=0.1,
    )

    assert terms["classification"].item() == pytest.approx(math.log(math.exp(2) + 2) - 2)
    assert terms["quantization"].item() == pytest.approx(0.1 * 8.125 / 2)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, weight, bias, labels = random_batch()
    h, w, y = relaxed.tolist(), weight.tolist(), labels.tolist()

    total = 0.0
    for i in range(5):
        code = [1 if a >= 0 else -1 for a in h[i]]
        logits = [
            sum(a * b for a, b in zip(code, w[c], strict=True)) + bias[c].item() for c in range(4)
        ]
        partition = math.log(sum(math.exp(x) for x in logits))
        total += sum((partition - logits[c]) / sum(y[i]) for c in range(4) if y[i][c])
    penalty = sum(abs(abs(a) - 1) ** 3 for row in h for a in row) / 30

    terms = greedyhash_loss(relaxed, weight, bias, labels, alpha=0.5)
    assert terms["classification"].item() == pytest.approx(total / 5, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.5 * penalty, rel=1e-5)


def test_the_gradient_goes_through_the_sign_unchanged():
    """Of the outputs: as if the signs were free variables. Of the classifier: gradcheck."""
    relaxed, weight, bias, labels = random_batch(seed=1)
    outputs = relaxed.clone().requires_grad_()
    signs = torch.where(relaxed >= 0, 1.0, -1.0).requires_grad_()

    loss = greedyhash_loss(outputs, weight, bias, labels, 0.0)["classification"]
    direct = F.cross_entropy(signs @ weight.T + bias, labels / labels.sum(1, keepdim=True))

    (through,) = torch.autograd.grad(loss, outputs)
    (expected,) = torch.autograd.grad(direct, signs)
    assert torch.allclose(through, expected, atol=1e-6)
    assert torch.autograd.gradcheck(
        lambda w, b: greedyhash_loss(relaxed.double(), w, b, labels.double(), 0.3)[
            "classification"
        ],
        (weight.double().requires_grad_(), bias.double().requires_grad_()),
    )


def test_only_signs_are_classified():
    relaxed, weight, bias, labels = random_batch(seed=2)

    costs = [
        greedyhash_loss(scale * relaxed, weight, bias, labels, 0.0)["classification"].item()
        for scale in (0.1, 1.0, 7.0)
    ]

    assert costs == pytest.approx([costs[0]] * 3)


def test_an_image_without_labels_costs_nothing():
    relaxed, weight, bias, labels = random_batch(seed=3)
    labels[2] = False
    rest = torch.arange(5) != 2

    loss = greedyhash_loss(relaxed, weight, bias, labels, 0.0)["classification"].item()
    others = greedyhash_loss(relaxed[rest], weight, bias, labels[rest], 0.0)["classification"]

    assert loss == pytest.approx(others.item() * 4 / 5, rel=1e-5)


def test_the_classifier_learns_with_the_head():
    method = GreedyHash(12)

    method.on_fit_start(TrainingSet((torch.zeros(3, 2),), torch.ones(3, 5).bool()))

    assert [tuple(part.shape) for part in method.learnable()] == [(5, 12), (5,)]
    assert all(part.requires_grad for part in method.learnable())
