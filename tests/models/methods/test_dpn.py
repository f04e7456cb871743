"""DPN: the polarization hinge towards target codes."""

from __future__ import annotations

import pytest
import torch

from models.method import TrainingSet
from models.methods.dpn import DPN, DPNConfig, dpn_loss


def random_batch(n=6, bits=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    goals = torch.randint(0, 2, (n, bits), generator=generator).float() * 2 - 1
    return 1.5 * torch.randn(n, bits, generator=generator), goals


def test_loss_by_hand():
    """v = (2, 0.25, 0, -1) to the target of ones, margin 1: 0 + 0.75 + 1 + 2 over 4 bits."""
    loss = dpn_loss(torch.tensor([[2.0, 0.25, 0.0, -1.0]]), torch.ones(1, 4), margin=1.0)

    assert loss["polarization"].item() == pytest.approx(3.75 / 4)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, goals = random_batch()

    total = 0.0
    for row, goal in zip(relaxed.tolist(), goals.tolist(), strict=True):
        for v, t in zip(row, goal, strict=True):
            total += max(0.5 - v * t, 0)

    assert dpn_loss(relaxed, goals, 0.5)["polarization"].item() == pytest.approx(total / 30)


def test_gradient_of_the_loss():
    relaxed, goals = random_batch(seed=1)

    assert torch.autograd.gradcheck(
        lambda v: dpn_loss(v, goals.double(), 1.0)["polarization"],
        relaxed.double().requires_grad_(),
    )


@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
def test_the_loss_bounds_the_hamming_distance_to_the_target(margin):
    """A wrong bit costs at least the margin, so distance <= K loss / margin (the paper's claim)."""
    for seed in range(20):
        relaxed, goals = random_batch(n=1, bits=9, seed=seed)
        distance = int((relaxed.sign() != goals).sum())

        assert distance <= 9 * dpn_loss(relaxed, goals, margin)["polarization"].item() / margin


def test_images_with_one_label_aim_at_its_target_and_others_at_the_majority():
    labels = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).bool()
    method = DPN(16)

    method.on_fit_start(TrainingSet((torch.zeros(4, 2),), labels))

    goals = method._goals
    assert (goals.abs() == 1).all()
    assert torch.equal(goals[3], goals[:3].sum(0).sign())


def test_codes_of_separable_classes_reach_their_targets():
    labels = torch.nn.functional.one_hot(torch.arange(40) % 4).bool()
    generator = torch.Generator().manual_seed(5)
    features = labels.float() @ torch.randn(4, 12, generator=generator)
    features = features + 0.01 * torch.randn(40, 12, generator=generator)

    method = DPN(16, DPNConfig(epochs=30, hidden=0, dropout=0, batch=20, learning_rate=0.05))
    codes = method.fit(TrainingSet((features,), labels)).encode(features)

    goals = torch.from_numpy(codes.signs()).float()
    assert torch.equal(goals, method._goals)
