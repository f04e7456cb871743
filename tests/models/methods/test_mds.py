"""MDS: the softmax to well-separated centres and the pull of similar pairs."""

from __future__ import annotations

import math

import pytest
import torch

from models.centres import hash_centres
from models.deep import Batch
from models.method import TrainingSet
from models.methods.mds import MDS, MDSConfig, centre_loss, pair_loss


def random_batch(n=5, bits=6, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed, memory = (torch.randn(m, bits, generator=generator) for m in (n, 7))
    centres = torch.randint(0, 2, (classes, bits), generator=generator).float() * 2 - 1
    labels = torch.rand(n, classes, generator=generator) < 0.4
    similarity = (torch.rand(n, 7, generator=generator) < 0.4).float()
    return relaxed, centres, labels, memory, similarity


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def test_losses_by_hand():
    """A code at right angles to the centre it has and to the one it has not: p = 1/2 each.

    Both classes cost ln 2. The pair with itself has cosine 1 and costs ln 2 as well.
    """
    code = torch.tensor([[1.0, -1.0, 0.0, 0.0]])
    centres = torch.tensor([[1.0, 1, 1, 1], [-1.0, -1, 1, 1]])

    assert centre_loss(code, centres, torch.tensor([[True, False]])).item() == pytest.approx(
        math.log(2)
    )
    assert pair_loss(code, code, torch.ones(1, 1)).item() == pytest.approx(math.log(2))


def test_losses_equal_the_formulas_written_with_loops():
    relaxed, centres, labels, memory, similarity = random_batch()
    u, c, m = relaxed.tolist(), centres.tolist(), memory.tolist()

    central, pairs = 0.0, []
    for i in range(5):
        powers = [math.exp(math.sqrt(6) * cosine(u[i], centre)) for centre in c]
        for k in range(4):
            p = powers[k] / sum(powers)
            central -= math.log(p) if labels[i, k] else math.log(1 - p)
        pairs += [
            math.log(1 + math.exp((1 - cosine(u[i], m[j])) / 2))
            for j in range(7)
            if similarity[i, j]
        ]

    assert centre_loss(relaxed, centres, labels).item() == pytest.approx(central / 20, rel=1e-4)
    assert pair_loss(relaxed, memory, similarity).item() == pytest.approx(
        sum(pairs) / len(pairs), rel=1e-5
    )


def test_gradients_of_the_losses():
    relaxed, centres, labels, memory, similarity = random_batch(seed=1)

    def total(u):
        return centre_loss(u, centres.double(), labels) + pair_loss(
            u, memory.double(), similarity.double()
        )

    assert torch.autograd.gradcheck(total, relaxed.double().requires_grad_())


def test_a_code_on_the_centre_of_another_class_has_finite_cost_and_gradient():
    centre = torch.tensor([[1.0, 1, -1, -1] * 64, [-1.0, -1, 1, 1] * 64])
    code = centre[:1].clone().requires_grad_()

    loss = centre_loss(code, centre, torch.tensor([[False, True]]))
    (gradient,) = torch.autograd.grad(loss, code)

    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


def varshamov(bits, classes):
    """The Gilbert-Varshamov distance: C balls of radius d - 1 do not fill the space."""
    return max(
        d
        for d in range(1, bits + 1)
        if classes * sum(math.comb(bits, i) for i in range(d)) <= 2**bits
    )


@pytest.mark.parametrize("bits", [8, 12, 16, 24, 32, 48, 64, 96])
def test_centres_are_no_closer_than_the_gilbert_varshamov_distance(bits):
    for classes in (2, 5, 10, 18, 50, 99):
        centres = hash_centres(classes, bits, torch.Generator().manual_seed(1))
        apart = (bits - centres @ centres.T) / 2 + bits * torch.eye(classes)

        assert apart.min() >= varshamov(bits, classes), (bits, classes)


def test_pairs_count_only_after_the_warm_up_and_against_the_latest_outputs():
    labels = torch.tensor([[1, 0], [1, 0], [0, 1]]).bool()
    method = MDS(4, MDSConfig(warm_up=2, beta=0.5))
    method.on_fit_start(TrainingSet((torch.zeros(3, 2),), labels))
    relaxed = torch.tensor([[1.0, 1, 1, 1], [1.0, 1, 1, 1]])
    batch = Batch(torch.tensor([0, 1]), (relaxed,), (relaxed,), labels[:2])

    method.on_epoch_start(2)
    early = method.loss(batch)
    method.on_epoch_start(3)
    late = method.loss(batch)

    assert "pairs" not in early
    assert late["pairs"].item() == pytest.approx(0.5 * math.log(2))
