"""OrthoHash: cross-entropy over cosines to fixed targets, with a margin."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from models.deep import Batch
from models.method import TrainingSet
from models.methods.orthohash import OrthoHash, OrthoHashConfig, orthohash_loss, reassigned


def random_batch(n=6, bits=8, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed = torch.randn(n, bits, generator=generator)
    targets = torch.randint(0, 2, (classes, bits), generator=generator).float() * 2 - 1
    labels = torch.rand(n, classes, generator=generator) < 0.4
    labels[torch.arange(n), torch.randint(classes, (n,), generator=generator)] = True
    return relaxed, targets, labels


def test_loss_by_hand():
    """A code on its target, the other target at a right angle: cosines 1 and 0, margin 0.5, s = 2.

    Logits 2 (1 - 0.5) = 1 and 0, so the loss is ln(e + 1) - 1.
    """
    loss = orthohash_loss(
        torch.tensor([[3.0, 3.0]]),
        torch.tensor([[1.0, 1.0], [1.0, -1.0]]),
        torch.tensor([[True, False]]),
        scale=2.0,
        margin=0.5,
    )

    assert loss["classification"].item() == pytest.approx(math.log(math.e + 1) - 1)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, targets, labels = random_batch()
    v, o, y = relaxed.tolist(), targets.tolist(), labels.tolist()

    total = 0.0
    for i in range(6):
        norm = math.sqrt(sum(a * a for a in v[i]))
        cosines = [
            sum(a * b for a, b in zip(v[i], t, strict=True)) / norm / math.sqrt(8) for t in o
        ]
        logits = [3 * (cosines[c] - 0.2 * y[i][c]) for c in range(4)]
        partition = math.log(sum(math.exp(x) for x in logits))
        total += sum((partition - logits[c]) / sum(y[i]) for c in range(4) if y[i][c])

    loss = orthohash_loss(relaxed, targets, labels, scale=3.0, margin=0.2)["classification"]
    assert loss.item() == pytest.approx(total / 6, rel=1e-5)


def test_gradient_of_the_loss():
    relaxed, targets, labels = random_batch(seed=1)

    def loss(v):
        return orthohash_loss(v, targets.double(), labels.double(), 3.0, 0.2)["classification"]

    assert torch.autograd.gradcheck(loss, relaxed.double().requires_grad_())


def test_only_the_direction_of_a_code_matters():
    relaxed, targets, labels = random_batch(seed=2)
    lengths = torch.arange(1.0, 7.0)[:, None]

    near = orthohash_loss(relaxed, targets, labels, 3.0, 0.2)["classification"]
    far = orthohash_loss(lengths * relaxed, targets, labels, 3.0, 0.2)["classification"]

    assert far.item() == pytest.approx(near.item(), rel=1e-5)


def test_a_wider_margin_costs_more():
    relaxed, targets, labels = random_batch(seed=3)

    costs = [
        orthohash_loss(relaxed, targets, labels, 3.0, margin)["classification"].item()
        for margin in (0.0, 0.2, 0.4)
    ]

    assert costs == sorted(set(costs))


def test_an_image_without_labels_costs_nothing():
    """It must not turn the mean, and with it the weights, into NaN."""
    relaxed, targets, labels = random_batch(seed=4)
    labels[2] = False
    others = torch.arange(6) != 2

    loss = orthohash_loss(relaxed, targets, labels, 3.0, 0.2)["classification"]
    rest = orthohash_loss(relaxed[others], targets, labels[others], 3.0, 0.2)["classification"]

    assert loss.item() == pytest.approx(rest.item() * 5 / 6, rel=1e-5)


@pytest.mark.parametrize(
    ("classes", "given", "scale"),
    [(101, 0.0, math.sqrt(2) * math.log(100)), (101, 8.0, 8.0), (1, 0.0, 1.0), (2, 0.0, 1.0)],
)
def test_scale_comes_from_the_number_of_classes_unless_given(classes, given, scale):
    method = OrthoHash(16, OrthoHashConfig(scale=given))

    method.on_fit_start(TrainingSet((torch.zeros(3, 2),), torch.ones(3, classes).bool()))

    assert method._scale == pytest.approx(scale)
    assert method._targets.shape == (classes, 16)


def test_reassignment_finds_the_best_of_all_matchings():
    """Against every way to give 3 classes different targets of 5."""
    generator = torch.Generator().manual_seed(6)
    sums = torch.randn(3, 8, generator=generator)
    codebook = torch.randint(0, 2, (5, 8), generator=generator).float() * 2 - 1

    targets = reassigned(sums, codebook)

    cosine = torch.nn.functional.normalize(sums) @ codebook.T
    best = max(
        itertools.permutations(range(5), 3), key=lambda p: sum(cosine[c, p[c]] for c in range(3))
    )
    assert torch.equal(targets, codebook[list(best)])


def test_targets_are_reassigned_to_the_mean_codes_of_the_last_epoch_when_due():
    labels = torch.eye(2).bool()
    method = OrthoHash(8, OrthoHashConfig(reassign=2))
    method.on_fit_start(TrainingSet((torch.zeros(2, 3),), labels))
    swapped = 3 * method._targets.flip(0)

    for epoch in (1, 2, 3):
        first = method._targets
        method.on_epoch_start(epoch)
        assert torch.equal(method._targets, first) == (epoch < 3)
        method.loss(Batch(torch.arange(2), (swapped,), (swapped,), labels))

    assert torch.equal(method._targets, swapped / 3)


def test_without_reassignment_targets_never_move():
    labels = torch.eye(2).bool()
    method = OrthoHash(8)
    method.on_fit_start(TrainingSet((torch.zeros(2, 3),), labels))
    first = method._targets.clone()

    for epoch in (1, 2, 3):
        method.on_epoch_start(epoch)
        method.loss(Batch(torch.arange(2), (-first,), (-first,), labels))

    assert torch.equal(method._targets, first)
