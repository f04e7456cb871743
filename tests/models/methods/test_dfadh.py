"""DFADH: affinity, corrected similarity and loss, each against a version written with loops."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.dfadh import (
    DFADH,
    DFADHConfig,
    corrected_similarity,
    dfadh_loss,
    label_affinity,
    label_overlap,
)

LABELS = torch.tensor(
    [[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
).bool()


def random_labels(n=40, classes=6, seed=0, density=0.3):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(n, classes, generator=generator) < density
    labels[torch.arange(n), torch.randint(classes, (n,), generator=generator)] = True
    return labels


def test_affinity_is_the_normalised_count_of_common_images():
    """Labels 0 and 1 occur 3 times each and twice together: 2 / sqrt(3 * 3)."""
    affinity = label_affinity(LABELS, floor=0.0)

    assert affinity[0, 1].item() == pytest.approx(2 / 3)
    assert affinity[0, 3].item() == 0
    assert torch.equal(affinity, affinity.T)
    assert torch.equal(affinity.diagonal(), torch.ones(4))


def test_affinity_below_the_floor_is_dropped():
    """Labels 1 and 2 occur 3 and 2 times, once together: 1 / sqrt(6) = .41 < .5."""
    affinity = label_affinity(LABELS, floor=0.5)

    assert affinity[1, 2].item() == 0
    assert affinity[0, 1].item() == pytest.approx(2 / 3)


def test_affinity_without_a_floor_is_positive_semidefinite():
    affinity = label_affinity(random_labels(), floor=0.0)

    assert torch.linalg.eigvalsh(affinity).min() > -1e-5


def test_overlap_is_the_cosine_under_the_affinity_written_with_loops():
    labels, tau = random_labels(12), 0.6
    affinity = label_affinity(labels, floor=0.0)
    mixed = (1 - tau) * torch.eye(6) + tau * affinity

    overlap = label_overlap(labels, labels, affinity, tau)

    def product(a, b):
        return sum(
            float(mixed[c, d]) for c in range(6) for d in range(6) if labels[a, c] and labels[b, d]
        )

    for a in range(12):
        for b in range(12):
            expected = product(a, b) / math.sqrt(product(a, a) * product(b, b))
            assert overlap[a, b].item() == pytest.approx(expected, abs=1e-5)


def test_without_co_occurrence_the_overlap_is_the_label_cosine():
    labels = random_labels(10)
    vectors = torch.nn.functional.normalize(labels.float())

    overlap = label_overlap(labels, labels, label_affinity(labels, 0.0), tau=0.0)

    assert torch.allclose(overlap, vectors @ vectors.T, atol=1e-6)


def test_on_single_label_data_co_occurrence_changes_nothing():
    """Classes never occur together, so the affinity is the identity for every tau (D1)."""
    labels = torch.nn.functional.one_hot(torch.arange(30) % 5).bool()
    features = torch.randn(30, 16, generator=torch.Generator().manual_seed(1))
    train = TrainingSet((features,), labels)

    codes = [
        DFADH(8, DFADHConfig(tau=tau, epochs=2, hidden=16)).fit(train).encode(features).packed
        for tau in (0.0, 0.3, 1.0)
    ]

    assert (codes[0] == codes[1]).all()
    assert (codes[0] == codes[2]).all()


def test_pairs_are_hard_when_surely_alike_or_surely_unlike():
    """Rows 0 and 1 are equal; 0 and 4 share nothing; 0 and 2 share one of two labels."""
    affinity = label_affinity(LABELS, floor=0.1)
    overlap = label_overlap(LABELS, LABELS, affinity, tau=0.3)

    target, hard = corrected_similarity(
        LABELS, LABELS, overlap, torch.ones(6, 6), mu=0.8, epsilon=0.0
    )

    assert hard[0, 1]
    assert target[0, 1].item() == pytest.approx(1)
    assert hard[0, 4]
    assert not hard[0, 2]
    assert target[0, 2].item() == pytest.approx(0.8 * overlap[0, 2].item() + 0.2)


def test_full_co_occurrence_leaves_almost_no_negatives():
    """The trap of the design: with tau = 1 and no floor, hard negatives all but vanish."""
    labels = random_labels(300, 12, density=0.12)
    shares = {}
    for tau, floor in ((0.3, 0.1), (1.0, 0.0)):
        overlap = label_overlap(labels, labels, label_affinity(labels, floor), tau)
        _, hard = corrected_similarity(labels, labels, overlap, overlap, 0.8, 0.05)
        disjoint = labels.float() @ labels.float().T == 0
        shares[tau] = (hard & disjoint).sum().item() / disjoint.sum().item()

    assert shares[0.3] > 0.9
    assert shares[1.0] < 0.3


def test_loss_equals_the_formula_written_with_loops():
    generator = torch.Generator().manual_seed(2)
    u, v = (
        torch.rand(4, 6, generator=generator) * 2 - 1,
        torch.rand(5, 6, generator=generator) - 0.5,
    )
    target = torch.rand(4, 5, generator=generator)
    hard = torch.rand(4, 5, generator=generator) < 0.5

    terms = dfadh_loss(u, v, target, hard, kappa=5.0, unlike=-0.5)

    likelihood, difference = [], []
    for i in range(4):
        for j in range(5):
            dot = sum(float(u[i, k] * v[j, k]) for k in range(6))
            cosine = dot / math.sqrt(sum(float(x) ** 2 for x in u[i]))
            cosine /= math.sqrt(sum(float(x) ** 2 for x in v[j]))
            if hard[i, j]:
                likelihood.append(
                    math.log1p(math.exp(5 * cosine)) - float(target[i, j]) * 5 * cosine
                )
            difference.append(6 * ((0.5 + cosine) / 1.5 - float(target[i, j])) ** 2)
    assert terms["likelihood"].item() == pytest.approx(sum(likelihood) / len(likelihood), rel=1e-5)
    assert terms["difference"].item() == pytest.approx(sum(difference) / 20, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx((1 - u.abs()).abs().mean().item())


def test_orthogonal_codes_cost_log_two():
    """<u, v> = 0 gives even odds whatever the target, so every hard pair costs ln 2."""
    u, v = torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, -1.0]])

    terms = dfadh_loss(u, v, torch.tensor([[0.0]]), torch.tensor([[True]]), 5.0, -1.0)

    assert terms["likelihood"].item() == pytest.approx(math.log(2))


def test_gradient_of_the_loss():
    generator = torch.Generator().manual_seed(3)
    u = (torch.rand(4, 5, generator=generator) * 1.6 - 0.8).double().requires_grad_()
    target = torch.rand(4, 4, generator=generator).double()
    hard = torch.rand(4, 4, generator=generator) < 0.6

    def total(x):
        return torch.stack(list(dfadh_loss(x, x, target, hard, 5.0, -0.5).values())).sum()

    assert torch.autograd.gradcheck(total, u)


def test_negating_all_codes_changes_nothing():
    u = torch.rand(6, 8, generator=torch.Generator().manual_seed(4)) - 0.5
    target, hard = torch.rand(6, 6), torch.rand(6, 6) < 0.5

    assert dfadh_loss(u, u, target, hard, 5.0, -1.0) == dfadh_loss(-u, -u, target, hard, 5.0, -1.0)


def test_only_the_direction_of_a_relaxed_code_matters_for_pairs():
    generator = torch.Generator().manual_seed(6)
    u = torch.rand(6, 8, generator=generator) - 0.5
    target = torch.rand(6, 6, generator=generator)
    hard = torch.rand(6, 6, generator=generator) < 0.5

    near, far = (
        dfadh_loss(x, x, target, hard, 5.0, -0.5) for x in (u, u * torch.arange(1.0, 7)[:, None])
    )

    for name in ("likelihood", "difference"):
        assert far[name].item() == pytest.approx(near[name].item(), rel=1e-5)


def test_unlabelled_images_are_refused():
    labels = LABELS.clone()
    labels[2] = False

    with pytest.raises(ValueError, match="1 have no labels"):
        DFADH(8).fit(TrainingSet((torch.randn(6, 12),), labels))


def test_one_class_only_trains_and_warns(caplog):
    """All pairs are similar, so the likelihood has no negatives; that is said, not hidden."""
    features = torch.randn(20, 12, generator=torch.Generator().manual_seed(5))

    DFADH(8, DFADHConfig(epochs=1)).fit(TrainingSet((features,), torch.ones(20, 1).bool()))

    assert "0.0 % of pairs are surely dissimilar" in caplog.text


def test_bank_pairs_learn_as_well_as_batch_pairs():
    labels = torch.nn.functional.one_hot(torch.arange(60) % 3).bool()
    generator = torch.Generator().manual_seed(6)
    features = labels.float() @ torch.randn(3, 20, generator=generator)
    features = features + 0.3 * torch.randn(60, 20, generator=generator)
    train = TrainingSet((features,), labels)

    for pairs in ("batch", "bank"):
        method = DFADH(12, DFADHConfig(pairs=pairs, epochs=20, batch=16, hidden=32)).fit(train)
        distance = torch.from_numpy(method.encode(features).hamming(method.encode(features)))
        same = labels.float() @ labels.float().T > 0
        assert distance[same].float().mean() + 3 < distance[~same].float().mean()


def test_codes_at_the_unlike_cosine_have_similarity_zero():
    """(1, 0) and (-1, sqrt 3): cosine -1/2. With similarity 0 there, target 0 costs nothing."""
    u, v = torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, math.sqrt(3)]])
    sure = torch.tensor([[True]])

    there, below = (
        dfadh_loss(u, v, torch.tensor([[0.0]]), sure, 5.0, unlike) for unlike in (-0.5, -1.0)
    )

    assert there["difference"].item() == pytest.approx(0, abs=1e-10)
    assert below["difference"].item() == pytest.approx(2 * 0.25**2)


def test_similarity_zero_moves_towards_orthogonal_with_more_bits():
    """24 / K below 0: a cosine of -1 for 24 bits, -3/4 for 32, and never under -1."""
    features = torch.randn(24, 12, generator=torch.Generator().manual_seed(7))
    labels = torch.nn.functional.one_hot(torch.arange(24) % 3).bool()

    def first_code(bits, unlike):
        config = DFADHConfig(unlike=unlike, epochs=1, hidden=0)
        return DFADH(bits, config).fit(TrainingSet((features,), labels)).relax(features)

    assert torch.equal(first_code(24, 24.0), first_code(24, 99.0))
    assert not torch.equal(first_code(32, 24.0), first_code(32, 99.0))


def test_prototypes_come_to_lie_with_the_images_of_their_label():
    labels = torch.nn.functional.one_hot(torch.arange(60) % 3).bool()
    generator = torch.Generator().manual_seed(8)
    features = labels.float() @ torch.randn(3, 20, generator=generator)
    config = DFADHConfig(epochs=20, batch=20, hidden=32, difference=0.0, likelihood=0.0)

    method = DFADH(64, config).fit(TrainingSet((features,), labels))

    cosine = torch.nn.functional.normalize(method.relax(features)) @ (
        torch.nn.functional.normalize(method.learnable()[0].detach()).T
    )
    assert torch.equal(cosine.argmax(1), labels.int().argmax(1))


def test_short_codes_have_no_prototypes():
    features = torch.randn(24, 12, generator=torch.Generator().manual_seed(9))
    labels = torch.nn.functional.one_hot(torch.arange(24) % 3).bool()

    def codes(bits, weight):
        config = DFADHConfig(prototypes=weight, epochs=2, hidden=0)
        return DFADH(bits, config).fit(TrainingSet((features,), labels)).relax(features)

    assert torch.equal(codes(32, 0.0), codes(32, 50.0))
    assert not torch.equal(codes(40, 0.0), codes(40, 50.0))
