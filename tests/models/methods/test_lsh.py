"""LSH: Hamming distance estimates the angle."""

import numpy as np
import pytest
import torch

from models.method import TrainingSet
from models.methods.lsh import LSH


def at_angle(angle):
    """Two unit vectors with that angle between them, and their negatives so that the mean is 0."""
    first = torch.zeros(8)
    first[0] = 1
    second = torch.zeros(8)
    second[0], second[1] = np.cos(angle), np.sin(angle)
    return torch.stack([first, second, -first, -second])


@pytest.mark.parametrize("angle", [0.3, np.pi / 4, np.pi / 2, 2.5])
def test_bits_differ_with_probability_angle_over_pi(angle):
    """256 bits x 20 seeds: the share deviates by at most 0.5 / sqrt(5120) = 0.007 (one sigma)."""
    pair = at_angle(angle)
    differing = [LSH(256, seed=seed).fit(TrainingSet((pair,))).encode(pair) for seed in range(20)]

    share = np.mean([codes[:1].hamming(codes[1:2])[0, 0] / 256 for codes in differing])

    assert share == pytest.approx(angle / np.pi, abs=4 * 0.007)


def test_codes_by_hand(monkeypatch):
    """Hyperplanes across (1, 2), (-1, 1) and (0, -1); features less their mean (2, 1)."""
    directions = torch.tensor([[1.0, -1, 0], [2, 1, -1]])
    monkeypatch.setattr(torch, "randn", lambda *shape, generator: directions)
    points = torch.tensor([[3.0, 1], [2, 4], [1, -2]])  # centred: (1, 0), (0, 3), (-1, -3)

    method = LSH(3).fit(TrainingSet((points,)))

    products = [[1, -1, 0], [6, 3, -3], [-7, -2, 3]]
    assert method.relax(points).tolist() == products
    assert method.encode(points).signs().tolist() == [[1, -1, 1], [1, 1, -1], [-1, -1, 1]]


def test_it_is_the_sign_of_products_with_seeded_gaussian_directions():
    """Each bit again, one image and one hyperplane at a time."""
    features = torch.rand(20, 6, generator=torch.Generator().manual_seed(1))
    directions = torch.randn(6, 9, generator=torch.Generator().manual_seed(5)).double().tolist()
    mean = [sum(column) / 20 for column in zip(*features.double().tolist(), strict=True)]

    codes = LSH(9, seed=5).fit(TrainingSet((features,))).encode(features).signs()

    for image, row in enumerate(features.double().tolist()):
        for bit in range(9):
            product = sum((row[i] - mean[i]) * directions[i][bit] for i in range(6))
            assert codes[image, bit] == (1 if product >= 0 else -1)


def test_opposite_vectors_have_opposite_codes():
    pair = at_angle(1.0)

    codes = LSH(64).fit(TrainingSet((pair,))).encode(pair)

    assert codes[:1].hamming(codes[2:3])[0, 0] == 64


def test_codes_may_be_longer_than_the_features_are_wide():
    pair = at_angle(1.0)

    assert LSH(200).fit(TrainingSet((pair,))).encode(pair).bits == 200
