"""GreedyHash-U: signs with the cosines of the features."""

from __future__ import annotations

import math

import pytest
import torch

from models.methods.greedyhash_u import greedyhash_u_loss


def random_batch(n=7, bits=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(n, bits, generator=generator)
    return outputs, torch.randn(n, 7, generator=generator)


def test_loss_by_hand():
    """Codes (+, +) and (+, -) have cosine 0, the features 0.6: 0.36. Outputs 1, 3, 1 and -1:
    one of four is 2 off, cubed 8, so 2 on average, weight 0.1."""
    outputs = torch.tensor([[1.0, 3.0], [1.0, -1.0]])
    features = torch.tensor([[1.0, 0.0], [3.0, 4.0]])

    terms = greedyhash_u_loss(outputs, features, alpha=0.1)

    assert terms["similarity"].item() == pytest.approx(0.36)
    assert terms["quantization"].item() == pytest.approx(0.2)


def test_loss_equals_the_formula_written_with_loops():
    outputs, features = random_batch()
    codes, z = outputs.sign().tolist(), features.tolist()

    def cosine(a, b):
        inner = sum(x * y for x, y in zip(a, b, strict=True))
        return inner / math.hypot(*a) / math.hypot(*b)

    total = sum(
        (cosine(codes[i], codes[j]) - cosine(z[i], z[j])) ** 2
        for i, j in ((0, 3), (1, 4), (2, 5))  # the seventh has no partner
    )
    cubes = sum(abs(abs(h) - 1) ** 3 for row in outputs.tolist() for h in row)

    terms = greedyhash_u_loss(outputs, features, alpha=0.5)
    assert terms["similarity"].item() == pytest.approx(total / 3, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.5 * cubes / 28, rel=1e-5)


def test_gradient_passes_through_the_signs():
    """The outputs get the gradient that the codes would have."""
    outputs, features = random_batch(seed=1)
    outputs.requires_grad_()
    codes = outputs.detach().sign().requires_grad_()

    for tensor in (outputs, codes):
        greedyhash_u_loss(tensor, features, alpha=0)["similarity"].backward()

    assert outputs.grad.abs().sum() > 0
    assert torch.allclose(outputs.grad, codes.grad, atol=1e-6)


def test_gradient_of_the_quantization_term():
    outputs, features = random_batch(seed=2)

    def term(h):
        return greedyhash_u_loss(h, features.double(), alpha=1.0)["quantization"]

    assert torch.autograd.gradcheck(term, outputs.double().requires_grad_())


def test_lengths_of_the_features_do_not_matter():
    outputs, features = random_batch(seed=3)

    near = greedyhash_u_loss(outputs, features, 0.1)["similarity"]
    far = greedyhash_u_loss(outputs, features * torch.arange(1.0, 8.0)[:, None], 0.1)["similarity"]

    assert far.item() == pytest.approx(near.item(), rel=1e-5)
