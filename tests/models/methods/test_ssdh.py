"""SSDH: thresholds from the distribution of distances, and learning from clear pairs only."""

from __future__ import annotations

import pytest
import torch

from models.method import TrainingSet
from models.methods.ssdh import SSDH, SSDHConfig, distance_thresholds, ssdh_loss


def random_batch(n=6, bits=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed = torch.rand(n, bits, generator=generator) * 2 - 1
    similarity = torch.randint(-1, 2, (n, n), generator=generator).float()
    return relaxed, similarity


def test_loss_by_hand():
    """u = (1, 1) and (1, 0): cosines 1, 1/2 and 1/2 with each other; s = 1, 0 and -1 with it.

    (1 - 1)^2 + 2 (1/2 + 1)^2 over 4 pairs; the unknown pair, u_2 with itself, costs nothing.
    """
    relaxed = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    similarity = torch.tensor([[1.0, -1.0], [-1.0, 0.0]])

    assert ssdh_loss(relaxed, similarity)["similarity"].item() == pytest.approx(4.5 / 4)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, similarity = random_batch()
    u, s = relaxed.tolist(), similarity.tolist()

    total = 0.0
    for i in range(6):
        for j in range(6):
            inner = sum(a * b for a, b in zip(u[i], u[j], strict=True))
            total += s[i][j] ** 2 * (inner / 4 - s[i][j]) ** 2

    assert ssdh_loss(relaxed, similarity)["similarity"].item() == pytest.approx(
        total / 36, rel=1e-5
    )


def test_gradient_of_the_loss():
    relaxed, similarity = random_batch(seed=1)

    def loss(u):
        return ssdh_loss(u, similarity.double())["similarity"]

    assert torch.autograd.gradcheck(loss, relaxed.double().requires_grad_())


def test_thresholds_of_two_half_gaussians_are_found_again():
    """Mode 0.8, spreads 0.1 below and 0.2 above: thresholds 0.8 - 2 * 0.1 and 0.8 + 1 * 0.2."""
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(2, 200_000, generator=generator).abs()
    # A normal density has its height in inverse proportion to its spread.
    distances = torch.cat([0.8 - 0.1 * normal[0, :100_000], 0.8 + 0.2 * normal[1]])

    near, far = distance_thresholds(distances, 2, 1)

    assert near == pytest.approx(0.6, abs=0.03)
    assert far == pytest.approx(1.0, abs=0.03)


def test_thresholds_of_one_sided_distances_are_numbers():
    near, far = distance_thresholds(torch.full((5,), 0.999), 2, 2)

    assert near <= 0.999
    assert far >= 0.999


def test_higher_alpha_and_beta_leave_more_pairs_alone():
    features = torch.randn(300, 20, generator=torch.Generator().manual_seed(0))

    known = []
    for spread in (0.0, 1.0, 2.0):
        method = SSDH(8, SSDHConfig(alpha=spread, beta=spread))
        method.on_fit_start(TrainingSet((features,)))
        known.append(method.similarity(features).abs().mean().item())

    assert known == sorted(known, reverse=True)
    assert known[0] > known[2] > 0


def test_similarity_of_near_and_far_features():
    method = SSDH(8)
    method._near, method._far = 0.5, 1.5

    similarity = method.similarity(torch.tensor([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [-1.0, 0.0]]))

    assert similarity[0].tolist() == [1, 1, 0, -1]
    assert torch.equal(similarity, similarity.T)


def test_copies_count_once():
    features = torch.randn(60, 10, generator=torch.Generator().manual_seed(0))
    config = SSDHConfig(epochs=2)

    alone, copied = (
        SSDH(8, config).fit(TrainingSet((each,))) for each in (features, features.repeat(4, 1))
    )

    assert (alone.encode(features).packed == copied.encode(features).packed).all()
