"""Neighbours by cosine: against a full sort, and as the relevant items of a ranking."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.evaluation import metrics, neighbours
from pipeline.evaluation.neighbours import nearest_by_cosine, neighbour_counts
from pipeline.evaluation.ranking import hamming_histograms


@pytest.mark.parametrize("k", [1, 3, 40, 99])
def test_the_nearest_are_those_of_a_full_sort_whatever_the_blocks(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, k: int
) -> None:
    monkeypatch.setattr(neighbours, "_ITEMS", 7)
    monkeypatch.setattr(neighbours, "_QUERIES", 4)
    queries, items = rng.standard_normal((9, 5)), rng.standard_normal((40, 5))
    seen: list[tuple[int, int]] = []

    nearest = nearest_by_cosine(queries, items, k, lambda *done: seen.append(done))

    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(items, axis=1)
    expected = np.argsort(-(queries @ items.T) / lengths, axis=1)[:, :k]
    assert nearest.tolist() == expected.tolist()
    assert seen == [(4, 9), (8, 9), (9, 9)]


def test_equal_items_go_by_position() -> None:
    items = np.array([[1.0, 0], [0, 1], [2, 0], [1, 0]])

    assert nearest_by_cosine(np.array([[1.0, 0.1]]), items, 3).tolist() == [[0, 2, 3]]


def test_features_that_are_no_numbers_and_an_empty_list_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        nearest_by_cosine(np.ones((1, 2)), np.array([[np.nan, 1.0]]), 1)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        nearest_by_cosine(np.ones((1, 2)), np.ones((3, 2)), 0)


def test_neighbours_are_counted_at_their_distance(rng: np.random.Generator) -> None:
    queries = HashCodes.from_relaxed(rng.choice([-1.0, 1.0], (6, 70)))
    items = HashCodes.from_relaxed(rng.choice([-1.0, 1.0], (50, 70)))
    labels = rng.random((56, 3)) < 0.4
    total = hamming_histograms(queries, items, labels[:6], labels[6:])
    nearest = np.array([rng.permutation(50)[:10] for _ in range(6)])

    counts = neighbour_counts(queries, items, nearest, total)

    assert (counts.sum(axis=2) == total.sum(axis=2)).all()
    for query in range(6):
        distances = (queries.signs()[query] != items.signs()[nearest[query]]).sum(axis=1)
        assert counts[query, :, 1].tolist() == np.bincount(distances, minlength=71).tolist()
    assert metrics.relevant_items(counts).tolist() == [10] * 6
