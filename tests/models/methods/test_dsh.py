"""DSH: the contrastive loss of all pairs and the penalty towards the corners."""

from __future__ import annotations

import pytest
import torch

from models.methods.dsh import DSH, dsh_loss


def random_batch(n=6, bits=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed = 1.5 * torch.randn(n, bits, generator=generator)
    half = (torch.rand(n, n, generator=generator) < 0.4).triu(1)
    return relaxed, (half | half.T | torch.eye(n).bool()).float()


def test_loss_by_hand():
    """u = (1, 1) and (1, 0), unlike each other, K = 2, margin 2: squared distance 1, over K 1/2.

    Two of four pairs cost (2 - 1/2) / 2, the pairs of an image with itself nothing: 3/8 on average.
    One of four outputs is 1 off its corner: 2 alpha / 4.
    """
    terms = dsh_loss(torch.tensor([[1.0, 1.0], [1.0, 0.0]]), torch.eye(2), margin=2.0, alpha=0.1)

    assert terms["pairwise"].item() == pytest.approx(3 / 8)
    assert terms["quantization"].item() == pytest.approx(0.05)


def test_loss_equals_the_formula_written_with_loops():
    """The paper's form, with sums over bits and m = 2 K, divided by K at the end."""
    relaxed, similarity = random_batch()
    u, s = relaxed.tolist(), similarity.tolist()

    pairwise = quantization = 0.0
    for i in range(6):
        for j in range(6):
            distance = sum((a - b) ** 2 for a, b in zip(u[i], u[j], strict=True))
            pairwise += distance / 2 if s[i][j] else max(2 * 5 - distance, 0) / 2
            quantization += sum(abs(abs(a) - 1) for a in u[i] + u[j])

    terms = dsh_loss(relaxed, similarity, margin=2.0, alpha=0.3)
    assert terms["pairwise"].item() == pytest.approx(pairwise / 36 / 5, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.3 * quantization / 36 / 5, rel=1e-5)


def test_gradient_of_the_loss():
    relaxed, similarity = random_batch(seed=1)

    def total(u):
        return torch.stack(list(dsh_loss(u, similarity.double(), 2.0, 0.3).values())).sum()

    assert torch.autograd.gradcheck(total, relaxed.double().requires_grad_())


def test_codes_half_the_bits_apart_are_far_enough():
    """Signs that differ in K/2 bits have squared distance 4 K/2 = 2 K, the paper's margin."""
    codes = torch.tensor([[1.0, 1, 1, 1], [1.0, -1, 1, -1], [1.0, -1, -1, -1]])

    costs = dsh_loss(codes[:2], torch.eye(2), 2.0, 0.0), dsh_loss(codes[1:], torch.eye(2), 2.0, 0.0)

    assert costs[0]["pairwise"].item() == 0
    assert costs[1]["pairwise"].item() > 0


def test_no_activation_bounds_the_outputs():
    outputs = torch.tensor([[-3.0, 0.2]])

    assert torch.equal(DSH(2).activation(outputs), outputs)
