"""Relevance by shared labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.codes import HashCodes
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.relevance import (
    all_relevant,
    check_relevance,
    exclude_label,
    in_words,
    neighbour_labels,
)


@given(st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_leaving_a_label_out_ranks_as_if_it_did_not_exist(seed):
    """Against AP over label sets; the database is at distances 0, 1, 2, ..., so there are no ties.

    A query with no other label is dropped, one that finds nothing any more scores 0.
    """
    rng = np.random.default_rng(seed)
    n, classes, label = 12, 4, int(rng.integers(4))
    codes = HashCodes.from_relaxed(np.where(np.arange(n)[None] < np.arange(n)[:, None], -1, 1))
    queries, database = rng.random((5, classes)) < 0.4, rng.random((n, classes)) < 0.4
    queries[0] = np.arange(classes) != label  # one at least is kept

    kept, query_labels, database_labels = exclude_label(label, queries, database)
    report = evaluate(
        codes[[0] * int(kept.sum())], codes, query_labels, database_labels, PROTOCOLS["holdout"]
    )

    expected = []
    for row in queries:
        own = {c for c in range(classes) if row[c]} - {label}
        hits = [bool(own & {c for c in range(classes) if item[c]}) for item in database]
        precisions = [sum(hits[: i + 1]) / (i + 1) for i in range(n) if hits[i]]
        if own:
            expected.append(sum(precisions) / len(precisions) if precisions else 0.0)
    assert report.report.map == pytest.approx(np.mean(expected))
    assert report.report.n_query == len(expected)


@pytest.mark.parametrize(
    ("query", "database", "expected"),
    [
        ([[1, 0]], [[1, 0], [1, 1]], True),
        ([[1, 0]], [[1, 0], [0, 1]], False),
        ([[1, 0], [0, 1]], [[1, 1], [1, 1]], True),
        ([[1, 0], [0, 0]], [[1, 1]], False),
    ],
)
def test_labels_that_every_pair_shares_are_recognised(
    query: list[list[int]], database: list[list[int]], expected: bool
) -> None:
    assert all_relevant(np.array(query, bool), np.array(database, bool)) == expected


def test_neighbours_as_labels_share_exactly_the_relevant_pairs() -> None:
    nearest = np.array([[2, 0], [1, 2], [4, 3]])

    queries, items = neighbour_labels(nearest, 5)

    shared = queries.astype(int) @ items.T.astype(int)
    assert shared.tolist() == [[1, 0, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]]


def test_relevances_are_named_for_people() -> None:
    assert in_words("labels", "category") == "category"
    assert in_words("neighbours@100") == "the 100 nearest by the features' cosine"
    with pytest.raises(ValueError, match=r"unknown relevance 'neighbours'. Did you mean"):
        check_relevance("neighbours")
