"""DPSH: the pair likelihood and its quantization term."""

from __future__ import annotations

import math

import pytest
import torch

from models.methods.dpsh import dpsh_loss


def random_batch(n=5, bits=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed = torch.rand(n, bits, generator=generator) * 1.8 - 0.9
    half = (torch.rand(n, n, generator=generator) < 0.4).triu(1)
    return relaxed, (half | half.T | torch.eye(n).bool()).float()


def test_loss_of_two_opposite_codes_by_hand():
    """u = (1, 1) and -u: theta is 1 on the diagonal, -1 beside it.

    Similar with itself: softplus(1) - 1; dissimilar from the other: softplus(-1). Both are
    ln(1 + 1/e). The codes are corners, so quantization is 0.
    """
    relaxed = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])

    terms = dpsh_loss(relaxed, torch.eye(2), eta=1.0)

    assert terms["pairwise"].item() == pytest.approx(math.log(1 + 1 / math.e))
    assert terms["quantization"].item() == 0


def test_quantization_by_hand():
    """0.5 and -0.5 are 0.5 from their corners, 1 and 0 are 0 and 1: (2 * .25 + 1) / 4 * eta."""
    relaxed = torch.tensor([[0.5, -0.5], [1.0, 0.0]])

    terms = dpsh_loss(relaxed, torch.eye(2), eta=2.0)

    assert terms["quantization"].item() == pytest.approx(2 * 1.5 / 4)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, similarity = random_batch()

    terms = dpsh_loss(relaxed, similarity, eta=0.3)

    u, s = relaxed.tolist(), similarity.tolist()
    likelihood = 0.0
    for i in range(5):
        for j in range(5):
            theta = sum(a * b for a, b in zip(u[i], u[j], strict=True)) / 2
            odds = 1 / (1 + math.exp(-theta))
            likelihood -= math.log(odds if s[i][j] else 1 - odds)
    corners = sum((a - math.copysign(1, a)) ** 2 for row in u for a in row)
    assert terms["pairwise"].item() == pytest.approx(likelihood / 25, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.3 * corners / 30, rel=1e-5)


def test_gradient_of_the_loss():
    relaxed, similarity = random_batch(seed=1)

    def total(u):
        return torch.stack(list(dpsh_loss(u, similarity.double(), 0.3).values())).sum()

    assert torch.autograd.gradcheck(total, relaxed.double().requires_grad_())


def test_flipping_and_reordering_bits_changes_nothing():
    """Inner products and distances to the corners do not know the names or signs of bits."""
    relaxed, similarity = random_batch(seed=2)
    changed = (relaxed * torch.tensor([1.0, -1, 1, -1, -1, 1]))[:, [3, 1, 5, 0, 2, 4]]

    before, after = dpsh_loss(relaxed, similarity, 0.3), dpsh_loss(changed, similarity, 0.3)

    for name in before:
        assert after[name].item() == pytest.approx(before[name].item(), rel=1e-6)


def test_long_codes_do_not_overflow():
    """256 bits give theta = 128; a dissimilar pair of equal codes then costs 128."""
    terms = dpsh_loss(torch.ones(2, 256), torch.zeros(2, 2), eta=0.1)

    assert terms["pairwise"].item() == pytest.approx(128)
