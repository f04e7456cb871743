"""IDHN: hard pairs by likelihood, soft pairs by squared difference."""

from __future__ import annotations

import math

import pytest
import torch

from models.methods.idhn import idhn_loss

WEIGHTS = (5.0, 0.1, 0.2)  # alpha, gamma, quantization


def random_batch(n=6, bits=4, seed=0):
    """Codes off the kinks of | |u| - 1 |, and similarities of which about half are 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    sign = torch.randint(0, 2, (n, bits), generator=generator) * 2 - 1
    relaxed = sign * (0.1 + 0.8 * torch.rand(n, bits, generator=generator))
    similarity = (torch.rand(n, n, generator=generator) * 2 - 0.5).clamp(0, 1)
    similarity = similarity.triu(1) + similarity.triu(1).T + torch.eye(n)
    return relaxed, similarity


def test_loss_by_hand():
    """u = (1, 1) and (1, -1): cosines 1 and 0; with themselves hard, with each other soft at 0.8.

    Likelihood: 2 of 4 pairs at ln(1 + e^5) - 5 = ln(1 + e^-5). Difference: 2 of 4 at
    K (1/2 - 0.8)^2 = 2 * 0.09, times 0.1. Both codes are corners.
    """
    relaxed = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    similarity = torch.tensor([[1.0, 0.8], [0.8, 1.0]])

    terms = idhn_loss(relaxed, similarity, *WEIGHTS)

    assert terms["likelihood"].item() == pytest.approx(math.log(1 + math.exp(-5)) / 2, rel=1e-3)
    assert terms["difference"].item() == pytest.approx(0.1 * 0.18 / 2)
    assert terms["quantization"].item() == 0


def test_loss_equals_the_formula_written_with_loops():
    """In the form of the authors' code: K ((<u, v> + K) / 2K - s)^2."""
    relaxed, similarity = random_batch()
    u, s = relaxed.tolist(), similarity.tolist()

    likelihood = difference = 0.0
    for i in range(6):
        for j in range(6):
            inner = sum(a * b for a, b in zip(u[i], u[j], strict=True))
            if s[i][j] < 0.01 or s[i][j] > 0.99:
                logit = 5 * inner / 4
                likelihood += math.log(1 + math.exp(logit)) - s[i][j] * logit
            else:
                difference += 4 * ((inner + 4) / 8 - s[i][j]) ** 2
    corners = sum(abs(abs(a) - 1) for row in u for a in row) / 24

    terms = idhn_loss(relaxed, similarity, *WEIGHTS)
    assert terms["likelihood"].item() == pytest.approx(likelihood / 36, rel=1e-5)
    assert terms["difference"].item() == pytest.approx(0.1 * difference / 36, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.2 * corners, rel=1e-5)


def test_gradient_of_the_loss():
    relaxed, similarity = random_batch(seed=1)

    def total(u):
        return torch.stack(list(idhn_loss(u, similarity.double(), *WEIGHTS).values())).sum()

    assert torch.autograd.gradcheck(total, relaxed.double().requires_grad_())


def test_single_label_pairs_are_all_hard():
    relaxed, _ = random_batch()
    classes = torch.arange(6) % 2

    terms = idhn_loss(relaxed, (classes[:, None] == classes[None, :]).float(), *WEIGHTS)

    assert terms["difference"].item() == 0
    assert terms["likelihood"].item() > 0


def test_soft_pairs_are_best_where_the_cosine_is_as_wanted():
    """(1 + cosine) / 2 = s has no cost: s = 0.75 asks for cosine 0.5, 3 of 4 bits in common."""
    relaxed = torch.tensor([[1.0, 1, 1, 1], [1.0, 1, 1, -1]])
    similarity = torch.tensor([[1.0, 0.75], [0.75, 1.0]])

    assert idhn_loss(relaxed, similarity, *WEIGHTS)["difference"].item() == 0
