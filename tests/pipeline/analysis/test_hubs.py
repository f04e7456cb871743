"""Hubs: how often images are found, ties in expectation, and what is never found."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.analysis import hubs
from pipeline.analysis.hubs import Hubs, occurrences


def codes(n: int, bits: int = 6, seed: int = 0) -> HashCodes:
    return HashCodes.from_relaxed(np.random.default_rng(seed).standard_normal((n, bits)))


def test_occurrences_are_the_mean_over_all_orders_of_ties() -> None:
    queries, items = codes(3, seed=1), codes(6, bits=6, seed=2)
    expected = np.zeros(6)
    for distances in queries.hamming(items):
        orders = list(permutations(range(6)))  # ties go by the order that items come in
        for order in orders:
            ranked = sorted(order, key=lambda item, d=distances: d[item])
            expected[ranked[:3]] += 1 / len(orders)

    assert occurrences(queries, items, 3) == pytest.approx(expected)


def test_blocks_of_queries_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, items = codes(11, seed=1), codes(30, seed=2)
    whole = occurrences(queries, items)
    monkeypatch.setattr(hubs, "_BLOCK", 4)

    assert occurrences(queries, items) == pytest.approx(whole)
    assert whole.sum() == pytest.approx(11 * 10)


def test_a_database_smaller_than_the_first_results_is_found_whole() -> None:
    assert occurrences(codes(5), codes(4, seed=3)).tolist() == [5, 5, 5, 5]


def test_the_finding_counts_what_is_never_found_beside_chance() -> None:
    found = Hubs(np.array([0.0, 7.0, 0.0, 3.0] + 16 * [0.0]), n_query=7)

    assert found.order[:2].tolist() == [1, 3]
    assert found.never.tolist() == [0, 2, *range(4, 20)]
    assert found.finding == (
        "18 of 20 images are among the first 10 of no query (0 if results were random); the most "
        "frequent one is among those of 7 of 7 queries (3.5 on average)."
    )
