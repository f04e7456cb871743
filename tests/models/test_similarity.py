"""Label similarity of pairs, against versions written with loops."""

from __future__ import annotations

import math

import pytest
import torch

from models.similarity import balanced_weights, label_cosine, label_shares, shares_label


def random_labels(n, classes=5, seed=0):
    """Dense enough for pairs of every kind; the first image has no label."""
    labels = torch.rand(n, classes, generator=torch.Generator().manual_seed(seed)) < 0.4
    labels[0] = False
    return labels


def test_similarity_by_hand():
    """{0, 1} and {1, 2, 3, 4} share one label: cosine 1 / sqrt(2 * 4)."""
    left, right = torch.tensor([[1, 1, 0, 0, 0]]).bool(), torch.tensor([[0, 1, 1, 1, 1]]).bool()

    assert shares_label(left, right).item() == 1
    assert label_cosine(left, right).item() == pytest.approx(1 / math.sqrt(8))


def test_shared_labels_written_with_loops():
    left, right = random_labels(8), random_labels(11, seed=1)

    shared = shares_label(left, right)

    assert shared.shape == (8, 11)
    for i in range(8):
        for j in range(11):
            expected = any(bool(left[i, c]) and bool(right[j, c]) for c in range(5))
            assert shared[i, j].item() == float(expected)


def test_cosine_written_with_loops():
    left, right = random_labels(8), random_labels(11, seed=1)

    cosine = label_cosine(left, right)

    assert cosine.shape == (8, 11)
    for i in range(8):
        for j in range(11):
            a = {c for c in range(5) if left[i, c]}
            b = {c for c in range(5) if right[j, c]}
            expected = len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0
            assert cosine[i, j].item() == pytest.approx(expected)


def test_both_agree_on_single_label_data():
    labels = torch.nn.functional.one_hot(torch.arange(12) % 4).bool()

    assert torch.equal(shares_label(labels, labels), label_cosine(labels, labels))


def test_both_are_symmetric_and_the_cosine_is_at_most_one():
    labels = random_labels(20, seed=2)

    for similarity in (shares_label(labels, labels), label_cosine(labels, labels)):
        assert torch.equal(similarity, similarity.T)
        assert similarity.min() == 0
        assert similarity.max() <= 1 + 1e-6


def test_both_sides_weigh_as_much_as_there_are_pairs():
    """2 similar of 8 pairs weigh 8/2 each, the 6 others 8/6; a side alone weighs 1 a pair."""
    similarity = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]])

    weights = balanced_weights(similarity)

    assert weights[similarity > 0].tolist() == [4, 4]
    assert weights[similarity == 0].tolist() == pytest.approx([8 / 6] * 6)
    assert balanced_weights(torch.ones(2, 3)).tolist() == [[1] * 3] * 2
    assert balanced_weights(torch.zeros(2, 3)).tolist() == [[1] * 3] * 2


def test_labels_share_the_mass_evenly():
    labels = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 0, 0]]).bool()

    assert label_shares(labels).tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 0]]
