"""CSQ: cross-entropy to the centres."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.csq import CSQ, CSQConfig, csq_loss


def random_batch(n=5, bits=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sign = torch.randint(0, 2, (n, bits), generator=generator).float() * 2 - 1
    relaxed = sign * (0.1 + 0.8 * torch.rand(n, bits, generator=generator))
    goals = torch.randint(0, 2, (n, bits), generator=generator).float() * 2 - 1
    return relaxed, goals


def test_loss_by_hand():
    """h = (0, 0.5) with the centre (1, -1): probabilities 1/2 and 3/4 for a one.

    Central: -(ln 1/2 + ln 1/4) / 2 = 1.5 ln 2. Quantization: (1 + 1/4) / 2 = 0.625.
    """
    terms = csq_loss(torch.tensor([[0.0, 0.5]]), torch.tensor([[1.0, -1.0]]), quantization=2.0)

    assert terms["central"].item() == pytest.approx(1.5 * math.log(2))
    assert terms["quantization"].item() == pytest.approx(2 * 0.625)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, goals = random_batch()

    central = quantization = 0.0
    for row, goal in zip(relaxed.tolist(), goals.tolist(), strict=True):
        for h, c in zip(row, goal, strict=True):
            p, t = (h + 1) / 2, (c + 1) / 2
            central -= t * math.log(p) + (1 - t) * math.log(1 - p)
            quantization += (abs(h) - 1) ** 2

    terms = csq_loss(relaxed, goals, quantization=0.5)
    assert terms["central"].item() == pytest.approx(central / 30, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.5 * quantization / 30, rel=1e-5)


def test_gradient_of_the_loss():
    relaxed, goals = random_batch(seed=1)

    def total(h):
        return torch.stack(list(csq_loss(h, goals.double(), 0.5).values())).sum()

    assert torch.autograd.gradcheck(total, relaxed.double().requires_grad_())


def test_a_saturated_code_on_the_wrong_corner_costs_a_finite_amount():
    loss = csq_loss(torch.tensor([[1.0, -1.0]]), torch.tensor([[-1.0, 1.0]]), 1.0)["central"]

    assert loss.item() == pytest.approx(-math.log(1e-6), rel=0.05)


def test_the_centre_itself_is_the_cheapest_corner():
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 4)
    goal = torch.tensor([1.0, -1.0, -1.0, 1.0])

    costs = [csq_loss(corner[None], goal[None], 1.0)["central"].item() for corner in corners]

    assert torch.equal(corners[costs.index(min(costs))], goal)


def test_codes_of_separable_classes_reach_their_centres():
    """One cluster a class: within a class all codes are equal, between classes K/2 or K apart."""
    labels = torch.nn.functional.one_hot(torch.arange(40) % 4).bool()
    generator = torch.Generator().manual_seed(5)
    features = labels.float() @ torch.randn(4, 12, generator=generator)
    features = features + 0.01 * torch.randn(40, 12, generator=generator)

    method = CSQ(16, CSQConfig(epochs=30, hidden=0, dropout=0, batch=20, learning_rate=0.05))
    codes = method.fit(TrainingSet((features,), labels)).encode(features)

    distance = torch.from_numpy(codes.hamming(codes)).int()
    same = labels.float() @ labels.float().T > 0
    assert set(distance[same].tolist()) == {0}
    assert set(distance[~same].tolist()) <= {8, 16}
