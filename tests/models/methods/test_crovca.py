"""CroVCA: views predict each other's bits, and the coding rate keeps codes apart."""

from __future__ import annotations

import math

import pytest
import torch

from models.methods.crovca import coding_rate, crovca_loss


def random_views(n=5, bits=3, seed=0):
    return torch.randn(2, n, bits, generator=torch.Generator().manual_seed(seed)) * 2


def test_rate_by_hand():
    """Two outputs at a right angle, K = b = 2, epsilon 1/2: I + 2 / (2/2) I = 3 I.

    Half of ln 9, times (2 + 2) / (2 * 2) = 1.
    """
    outputs = torch.tensor([[5.0, 0.0], [0.0, 0.1]])

    assert coding_rate(outputs, 0.5).item() == pytest.approx(math.log(3), rel=1e-5)


def test_alignment_by_hand():
    """Logits 2 and -1 against each other's bits 0 and 1: softplus(2) and softplus(1), halved."""
    terms = crovca_loss(torch.tensor([[2.0]]), torch.tensor([[-1.0]]), rate=0, epsilon=1)

    expected = (math.log(1 + math.exp(2)) + math.log(1 + math.exp(1))) / 2
    assert terms["alignment"].item() == pytest.approx(expected)


def test_loss_equals_the_formula_written_with_loops():
    first, second = random_views()

    alignment = 0.0
    for mine, other in ((first, second), (second, first)):
        for h, g in zip(mine.flatten().tolist(), other.flatten().tolist(), strict=True):
            p = 1 / (1 + math.exp(-h))
            alignment -= math.log(p if g > 0 else 1 - p) / 15 / 2
    rate = 0.0
    for view in (first, second):
        matrix = torch.eye(3)
        for row in view:
            unit = row / row.norm()
            matrix = matrix + 3 / (5 * 0.05) * torch.outer(unit, unit)
        rate += torch.logdet(matrix).item() / 2 * (3 + 5) / (3 * 5) / 2

    terms = crovca_loss(first, second, rate=0.1, epsilon=0.05)
    assert terms["alignment"].item() == pytest.approx(alignment, rel=1e-5)
    assert terms["coding rate"].item() == pytest.approx(-0.1 * rate, rel=1e-5)


def test_gradient_of_the_loss():
    first, second = random_views(seed=1).double()

    def total(a, b):
        return torch.stack([*crovca_loss(a, b, 0.1, 0.05).values()]).sum()

    assert torch.autograd.gradcheck(total, (first.requires_grad_(), second.requires_grad_()))


def test_rate_rises_as_codes_spread():
    """One direction for all, then two, then a direction for each of four."""
    corners = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])

    rates = [coding_rate(corners[rows], 0.05).item() for rows in ([0] * 4, [0, 0, 1, 1], range(4))]

    assert rates == sorted(set(rates))


def test_rate_looks_at_directions_and_not_at_their_sign():
    outputs = random_views(seed=2)[0]
    factors = torch.tensor([1.0, -1, 3, -0.2, 7])[:, None]

    assert coding_rate(factors * outputs, 0.05).item() == pytest.approx(
        coding_rate(outputs, 0.05).item(), rel=1e-4
    )


def test_views_that_agree_cost_less_the_surer_they_are():
    first, _ = random_views(seed=3)

    costs = [
        crovca_loss(scale * first, scale * first, 0, 1)["alignment"].item() for scale in (3, 2, 1)
    ]

    assert costs == sorted(set(costs))
