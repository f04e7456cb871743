"""HyP2: attraction to own proxies, repulsion from the others and of unrelated pairs."""

from __future__ import annotations

import math

import pytest
import torch

from models.methods.hyp2 import hyp2_loss


def random_batch(n=7, bits=6, classes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed, proxies = (torch.randn(m, bits, generator=generator) for m in (n, classes))
    labels = torch.rand(n, classes, generator=generator) < 0.3
    labels[0], labels[1] = torch.tensor([1, 1, 0, 0, 0]), torch.tensor([0, 0, 1, 1, 0])
    return relaxed, proxies, labels


def test_loss_by_hand():
    """Proxies along the axes, codes (1, 0) of class 0 and (3, 4) of class 0, margin 0.5.

    Own cosines 1 and 0.6: attraction 0.4 / 2. Others 0 and 0.8: repulsion (0 + 0.3) / 2.
    No image has several labels, so pairs cost nothing.
    """
    relaxed = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    labels = torch.tensor([[True, False], [True, False]])

    terms = hyp2_loss(relaxed, torch.eye(2), labels, margin=0.5, beta=1.0)

    assert terms["attraction"].item() == pytest.approx(0.2)
    assert terms["repulsion"].item() == pytest.approx(0.15)
    assert terms["pairs"].item() == 0


def test_loss_equals_the_formula_written_with_loops():
    relaxed, proxies, labels = random_batch()
    x, p, y = relaxed.tolist(), proxies.tolist(), labels.tolist()

    def cosine(a, b):
        return sum(i * j for i, j in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    own, other, pairs = [], [], []
    for i in range(7):
        for c in range(5):
            value = cosine(x[i], p[c])
            (own if y[i][c] else other).append(1 - value if y[i][c] else max(value - 0.1, 0))
        for j in range(7):
            several = sum(y[i]) > 1 and sum(y[j]) > 1
            if several and not any(a and b for a, b in zip(y[i], y[j], strict=True)):
                pairs.append(max(cosine(x[i], x[j]) - 0.1, 0))

    terms = hyp2_loss(relaxed, proxies, labels, margin=0.1, beta=0.5)
    for name, expected in (("attraction", own), ("repulsion", other)):
        assert terms[name].item() == pytest.approx(sum(expected) / len(expected), rel=1e-5)
    assert terms["pairs"].item() == pytest.approx(0.5 * sum(pairs) / len(pairs), abs=1e-6)


def test_unrelated_pairs_of_single_label_images_are_left_to_the_proxies():
    """Equal codes; with two labels each the pair costs 1 - margin, with one label nothing."""
    relaxed, proxies = torch.ones(2, 3), torch.eye(4, 3)
    several = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]]).bool()
    single = torch.tensor([[1, 0, 0, 0], [0, 0, 1, 0]]).bool()

    assert hyp2_loss(relaxed, proxies, several, 0.25, 1.0)["pairs"].item() == pytest.approx(0.75)
    assert hyp2_loss(relaxed, proxies, single, 0.25, 1.0)["pairs"].item() == 0


def test_gradient_for_codes_and_proxies():
    relaxed, proxies, labels = random_batch(seed=1)

    def total(x, p):
        return torch.stack(list(hyp2_loss(x, p, labels.double(), 0.1, 0.5).values())).sum()

    inputs = (relaxed.double().requires_grad_(), proxies.double().requires_grad_())
    assert torch.autograd.gradcheck(total, inputs)


def test_only_directions_matter():
    relaxed, proxies, labels = random_batch(seed=2)

    near = hyp2_loss(relaxed, proxies, labels, 0.1, 0.5)
    far = hyp2_loss(3 * relaxed, proxies / 7, labels, 0.1, 0.5)

    for name in near:
        assert far[name].item() == pytest.approx(near[name].item(), rel=1e-5, abs=1e-7)
