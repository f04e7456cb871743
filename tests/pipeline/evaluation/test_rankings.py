"""Rankings by real values: equal codes stay tied, and a shortlist is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.evaluation import rankings
from pipeline.evaluation.ranking import similarity_histograms
from pipeline.evaluation.rankings import (
    RANKINGS,
    asymmetric_similarities,
    check_ranking,
    ranking_in_words,
    rescored_similarities,
)


def test_asymmetric_similarity_is_the_cosine_of_values_and_signs(rng):
    relaxed = rng.standard_normal((3, 12)).astype(np.float32)
    codes = HashCodes.from_relaxed(rng.standard_normal((20, 12)))

    [found] = asymmetric_similarities(relaxed, codes)

    products = relaxed.astype(float) @ codes.signs().T
    assert found == pytest.approx(
        products / np.linalg.norm(relaxed, axis=1)[:, None] / np.sqrt(12), abs=1e-6
    )


def test_equal_codes_are_tied_under_real_values(rng):
    relaxed = rng.standard_normal((40, 5)).astype(np.float32)
    codes = HashCodes.from_relaxed(rng.standard_normal((3000, 5)))  # of 32 codes
    labels = np.ones((3000, 1), bool)

    similarities = asymmetric_similarities(relaxed, codes)
    [(counts, _)] = similarity_histograms(similarities, labels[:40], labels)

    n_codes = len(np.unique(codes.packed))
    assert ((counts.sum(axis=2) > 0).sum(axis=1) <= n_codes).all()


def test_queries_without_values_tie_everything():
    codes = HashCodes.from_relaxed(np.array([[1.0, -1.0], [1.0, 1.0]]))

    [found] = asymmetric_similarities(np.zeros((1, 2)), codes)

    assert found.tolist() == [[0, 0]]


def test_the_shortlist_comes_first_by_cosine_and_the_others_by_distance(monkeypatch):
    """Distances to the query 0, 1, 2, 3: two are rescored, the second of them first."""
    monkeypatch.setattr(rankings, "SHORTLIST", 2)
    query = HashCodes.from_relaxed(np.array([[-1.0, -1, -1]]))
    database = HashCodes.from_relaxed(
        np.array([[-1.0, -1, -1], [-1, -1, 1], [-1, 1, 1], [1, 1, 1]])
    )

    [found] = rescored_similarities(
        query, database, lambda number, places: np.where(places == 1, 0.9, 0.1)
    )

    assert found[0].tolist() == [0.1, 0.9, -4, -5]


def test_ties_at_the_end_of_the_shortlist_are_drawn_not_taken_in_order(monkeypatch):
    monkeypatch.setattr(rankings, "SHORTLIST", 5)
    codes = HashCodes(np.zeros((50, 1), np.uint8), 8)

    def taken(seed: int) -> list[list[int]]:
        [found] = rescored_similarities(
            codes[:3], codes, lambda number, places: np.ones(len(places)), seed=seed
        )
        return [np.flatnonzero(one == 1).tolist() for one in found]

    assert all(len(one) == 5 for one in taken(0))
    assert len({tuple(one) for one in taken(0)}) == 3  # each query for itself
    assert taken(0) == taken(0)
    assert taken(0) != taken(1)


def test_a_database_smaller_than_the_shortlist_is_rescored_whole():
    codes = HashCodes.from_relaxed(np.array([[1.0], [-1.0]]))

    [found] = rescored_similarities(codes[:1], codes, lambda number, places: places / 10)

    assert found.tolist() == [[0, 0.1]]


def test_every_ranking_has_words_and_others_are_refused():
    assert len({ranking_in_words(one) for one in RANKINGS}) == len(RANKINGS)
    with pytest.raises(ValueError, match="unknown ranking 'rescored'"):
        check_ranking("rescored")
