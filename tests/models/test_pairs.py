"""Pairs of a batch."""

from __future__ import annotations

import math

import pytest
import torch

from models.pairs import half_cosines, symmetric_loss


def test_cosines_by_hand():
    """Rows 1 and 3 at 45 degrees, rows 2 and 4 at 90, whatever the lengths."""
    rows = torch.tensor([[2.0, 0.0], [0.0, 0.5], [3.0, 3.0], [-7.0, 0.0]])

    assert half_cosines(rows).tolist() == pytest.approx([math.sqrt(0.5), 0], abs=1e-6)


@pytest.mark.parametrize(("n", "pairs"), [(2, 1), (7, 3), (8, 4)])
def test_an_odd_row_has_no_partner(n, pairs):
    assert half_cosines(torch.randn(n, 4)).shape == (pairs,)


def test_gradient():
    rows = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(half_cosines, rows)


def test_the_symmetric_loss_is_the_mean_over_the_pairs_of_a_batch():
    relaxed = torch.tanh(
        torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    )
    factor = torch.randn(4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    block = factor @ factor.T

    loss = symmetric_loss(relaxed, block)

    pairs = [
        (float(relaxed[i] @ relaxed[j]) - 5 * float(block[i, j])) ** 2
        for i in range(4)
        for j in range(4)
    ]
    assert loss.item() == pytest.approx(sum(pairs) / 16 / 5)
