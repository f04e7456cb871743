"""CIBHash: views find each other, and agree on the probabilities of their bits."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.cibhash import CIBHash, bit_divergence, cibhash_loss, nt_xent


def random_views(n=4, bits=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, n, bits, generator=generator) - 0.5


def cosine(a, b):
    inner = sum(x * y for x, y in zip(a, b, strict=True))
    return inner / math.hypot(*a) / math.hypot(*b)


def test_contrast_by_hand():
    """Two images, codes (1, 1) and (1, -1) in both views, temperature 1.

    Each code meets its partner (cosine 1) among the partner and two at a right angle:
    -ln(e / (e + 2)).
    """
    codes = torch.tensor([[1.0, 1.0], [1.0, -1.0]])

    assert nt_xent(codes, codes, 1.0).item() == pytest.approx(math.log(math.e + 2) - 1)


def test_divergence_by_hand():
    """p = 3/4 from 1/2 over two bits: 2 (3/4 ln 3/2 + 1/4 ln 1/2)."""
    divergence = bit_divergence(torch.full((3, 2), 0.75), torch.full((3, 2), 0.5))

    expected = 2 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert divergence.item() == pytest.approx(expected, rel=1e-5)


def test_loss_equals_the_formula_written_with_loops():
    first, second = random_views()
    views = torch.cat([first, second]).tolist()
    codes = [[math.copysign(1, x) for x in row] for row in views]

    contrast = 0.0
    for i in range(8):
        terms = {j: math.exp(cosine(codes[i], codes[j]) / 0.3) for j in range(8) if j != i}
        contrast -= math.log(terms[(i + 4) % 8] / sum(terms.values())) / 8
    divergence = 0.0
    for i in range(8):  # each view from the other
        for mine, other in zip(views[i], views[(i + 4) % 8], strict=True):
            p, q = mine + 0.5, other + 0.5
            divergence += (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))) / 8

    terms = cibhash_loss(first, second, temperature=0.3, beta=0.7)
    assert terms["contrast"].item() == pytest.approx(contrast, rel=1e-4)
    assert terms["divergence"].item() == pytest.approx(0.7 * divergence, rel=1e-4)


def test_gradient_of_the_contrast():
    first, second = random_views(seed=1).double()

    assert torch.autograd.gradcheck(
        lambda a, b: nt_xent(a, b, 0.3), (first.requires_grad_(), second.requires_grad_())
    )


def test_gradient_of_the_divergence_goes_to_one_side():
    first, second = (random_views(seed=2).double() + 0.5).unbind()

    assert torch.autograd.gradcheck(lambda p: bit_divergence(p, second), first.requires_grad_())
    second.requires_grad_()
    bit_divergence(first, second).backward()
    assert second.grad is None


def test_gradient_passes_through_the_signs():
    first, second = random_views(seed=3)
    first.requires_grad_()
    codes = first.detach().sign().requires_grad_()

    cibhash_loss(first, second, 0.3, 0)["contrast"].backward()
    nt_xent(codes, second.sign(), 0.3).backward()

    assert first.grad.abs().sum() > 0
    assert torch.allclose(first.grad, codes.grad, atol=1e-6)


def test_views_can_be_exchanged():
    first, second = random_views(seed=4)

    there, back = cibhash_loss(first, second, 0.3, 1), cibhash_loss(second, first, 0.3, 1)

    for name in there:
        assert there[name].item() == pytest.approx(back[name].item(), rel=1e-5)


def test_missing_views_are_refused():
    features = torch.randn(20, 5)

    with pytest.raises(ValueError, match="5 views of each image, the plain one and 4 augmented"):
        CIBHash(8).fit(TrainingSet((features,)))
