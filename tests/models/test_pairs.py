"""Pairs of a batch."""

from __future__ import annotations

import math

import pytest
import torch

from models.pairs import half_cosines


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
