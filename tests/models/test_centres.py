"""Hash centres: signs, distinct, far apart and reproducible for any number of classes and bits."""

from __future__ import annotations

import math

import pytest
import torch

from models.centres import coding_margin, hash_centres, majority_centres

BITS = (1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 16, 31, 64, 256)
CLASSES = (1, 2, 3, 20, 80, 200, 256)
POWERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def centres(classes, bits, seed=0):
    return hash_centres(classes, bits, torch.Generator().manual_seed(seed))


def distances(codes):
    """Distances of all pairs of different rows, sorted."""
    upper = torch.ones(len(codes), len(codes)).triu(1).bool()
    return ((codes.shape[1] - codes @ codes.T) / 2)[upper].sort().values


@pytest.mark.parametrize("bits", BITS)
def test_centres_are_signs_and_distinct_where_there_are_enough_codes(bits):
    for classes in CLASSES:
        codes = centres(classes, bits)

        assert codes.shape == (classes, bits)
        assert codes.dtype == torch.float32
        assert (codes.abs() == 1).all()
        if classes <= 2**bits:
            assert len(torch.unique(codes, dim=0)) == classes


def test_the_most_classes_and_bits_without_a_hadamard_matrix_are_distinct():
    assert len(torch.unique(centres(256, 255), dim=0)) == 256


@pytest.mark.parametrize(("classes", "bits"), [(126, 9), (252, 10), (70, 8), (35, 7), (21, 6)])
def test_centres_stay_distinct_when_balanced_codes_run_out(classes, bits):
    """At least as many classes as balanced codes, C(9, 4) = 126 and so on."""
    assert len(torch.unique(centres(classes, bits), dim=0)) == classes


@pytest.mark.parametrize("bits", POWERS)
def test_hadamard_centres_are_half_or_all_bits_apart(bits):
    """Rows of a Hadamard matrix are K/2 apart; a row and its negative K."""
    for classes in (2, bits // 2 + 1, bits, bits + 1, 2 * bits):
        expected = {bits / 2} if classes <= bits else {bits / 2, float(bits)}
        assert set(distances(centres(classes, bits)).tolist()) <= expected


def test_one_bit_centres_of_two_classes_are_opposite():
    assert sorted(centres(2, 1).flatten().tolist()) == [-1, 1]


@pytest.mark.parametrize(
    ("classes", "bits"), [(10, 12), (80, 12), (100, 16), (100, 24), (21, 48), (80, 100), (100, 32)]
)
def test_the_closest_pair_is_further_apart_than_in_random_codes(classes, bits):
    """Against the best of five random choices."""
    random = max(
        distances(
            torch.randint(
                0, 2, (classes, bits), generator=torch.Generator().manual_seed(seed)
            ).float()
            * 2
            - 1
        )[0].item()
        for seed in range(5)
    )

    assert distances(centres(classes, bits))[0].item() > random


@pytest.mark.parametrize(("classes", "bits"), [(10, 64), (80, 48), (200, 9)])
def test_the_seed_decides_the_centres(classes, bits):
    assert torch.equal(centres(classes, bits), centres(classes, bits))
    assert not torch.equal(centres(classes, bits), centres(classes, bits, seed=1))


def test_majority_written_with_loops():
    """One label gives its centre, three their bitwise majority, two the ties where they differ."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.rand(20, 5, generator=generator) < 0.5
    codes = torch.randint(0, 2, (6, 7), generator=generator).float() * 2 - 1
    goal_centres, ties = codes[:5], codes[5]

    goals = majority_centres(labels, goal_centres, ties)

    for i in range(20):
        for k in range(7):
            votes = sum(int(goal_centres[c, k]) for c in range(5) if labels[i, c])
            expected = ties[k] if votes == 0 else math.copysign(1, votes)
            assert goals[i, k] == expected


def test_margin_by_hand():
    """8 bits, 20 codes: 20 * (1 + 8) = 180 <= 256 reaches distance 2, 20 * 37 is too many.

    Balls of radius d - 1 around 20 codes must leave room, so d = 2 and the cosine is 1 - 4/8.
    """
    assert coding_margin(8, 20) == 0.5


def test_margin_is_a_cosine_that_grows_with_classes_and_falls_with_bits():
    lengths, sizes = (8, 16, 32, 64, 128, 256), (2, 10, 21, 80, 256)
    table = torch.tensor([[coding_margin(bits, c) for c in sizes] for bits in lengths])

    assert (table.diff(dim=1) >= 0).all()
    assert (table[2:].diff(dim=0) <= 0).all()
    assert table.abs().max() <= 1
