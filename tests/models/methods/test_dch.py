"""DCH: the Cauchy likelihood of balanced pairs and the Cauchy quantization loss."""

from __future__ import annotations

import math

import pytest
import torch

from models.methods.dch import dch_loss


def random_batch(n=6, bits=5, seed=0):
    """Codes off the kinks of |u|, and a symmetric similarity."""
    generator = torch.Generator().manual_seed(seed)
    sign = torch.randint(0, 2, (n, bits), generator=generator) * 2 - 1
    relaxed = sign * (0.1 + 0.8 * torch.rand(n, bits, generator=generator))
    half = (torch.rand(n, n, generator=generator) < 0.3).triu(1)
    return relaxed, (half | half.T | torch.eye(n).bool()).float()


def test_loss_by_hand():
    """Orthogonal codes (1, 1) and (1, -1), unlike each other, are K/2 = 1 bit apart; gamma = 1.

    Similar pairs, each image with itself, cost ln 1 = 0; dissimilar ones ln(1 + 1/1). Both sides
    weigh the same, so the loss is half of ln 2. Both codes are corners.
    """
    terms = dch_loss(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.eye(2), 1.0, 1.0)

    assert terms["pairwise"].item() == pytest.approx(math.log(2) / 2, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0, abs=1e-6)


def test_loss_equals_the_formula_written_with_loops():
    """As the paper prints it: s log(d / gamma) + log(1 + gamma / d), for pairs that are apart."""
    relaxed, similarity = random_batch()
    u, s = relaxed.tolist(), similarity.tolist()
    n_similar, gamma = sum(map(sum, s)), 3.0

    def distance(a, b):
        inner = sum(x * y for x, y in zip(a, b, strict=True))
        return 5 / 2 * (1 - inner / math.hypot(*a) / math.hypot(*b))

    total = weights = 0.0
    for i in range(6):
        for j in range(6):
            weight = 36 / n_similar if s[i][j] else 36 / (36 - n_similar)
            weights += weight
            if i != j:  # an image is at distance 0 from itself, where the sum of the terms is 0
                d = distance(u[i], u[j])
                total += weight * (s[i][j] * math.log(d / gamma) + math.log(1 + gamma / d))
    quantization = [math.log(1 + distance([abs(x) for x in row], [1.0] * 5) / gamma) for row in u]

    terms = dch_loss(relaxed, similarity, gamma, 0.5)
    assert terms["pairwise"].item() == pytest.approx(total / weights, rel=1e-4)
    assert terms["quantization"].item() == pytest.approx(0.5 * sum(quantization) / 6, rel=1e-4)


def test_gradient_of_the_loss():
    relaxed, similarity = random_batch(seed=1)
    others = 1 - torch.eye(6).double()  # distance 0 to itself is a kink

    def total(u):
        terms = dch_loss(u, similarity.double() * others, 3.0, 0.5)
        return torch.stack(list(terms.values())).sum()

    assert torch.autograd.gradcheck(total, relaxed.double().requires_grad_())


def test_equal_codes_have_finite_cost_and_gradient_whatever_the_labels():
    relaxed = torch.ones(3, 4).requires_grad_()

    for similarity in (torch.ones(3, 3), torch.eye(3)):
        loss = torch.stack(list(dch_loss(relaxed, similarity, 20.0, 0.1).values())).sum()
        (gradient,) = torch.autograd.grad(loss, relaxed)
        assert torch.isfinite(loss)
        assert torch.isfinite(gradient).all()


def test_the_probability_of_similarity_falls_at_once_beyond_small_distances():
    """gamma / (gamma + d) for gamma = 2: at d = 2 bits it is down to one half."""
    codes = torch.tensor([[1.0, 1, 1, 1, 1, 1, 1, 1], [-1.0, -1, 1, 1, 1, 1, 1, 1]])
    similar = torch.ones(2, 2)

    cost = dch_loss(codes, similar, 2.0, 0.0)["pairwise"].item() * 4 / 2  # the pair apart

    assert math.exp(-cost) == pytest.approx(0.5, rel=1e-5)
