"""straight_through_sign: signs forward, identity backward."""

from __future__ import annotations

import torch

from models.straight_through import straight_through_sign


def test_signs_forward_and_zero_is_positive():
    signs = straight_through_sign(torch.tensor([-2.0, -0.25, 0.0, 0.5]))

    assert signs.tolist() == [-1, -1, 1, 1]


def test_the_gradient_is_that_of_the_identity():
    outputs = torch.tensor([-2.0, 0.0, 0.5], requires_grad=True)
    weights = torch.tensor([3.0, -1.0, 2.0])

    (straight_through_sign(outputs) * weights).sum().backward()

    assert torch.equal(outputs.grad, weights)
