"""Failures: facts by hand and by loops, causes, and the correction of the mAP."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.codes import HashCodes
from pipeline.analysis.query_failures import (
    causes,
    confusion,
    corrected_map,
    query_facts,
    review_sample,
    worst_quarter,
    wrong_neighbours,
)
from pipeline.evaluation.ranking import hamming_histograms


def codes(*texts: str) -> HashCodes:
    return HashCodes.from_relaxed(np.array([[int(c) - 0.5 for c in text] for text in texts]))


def hot(*labels: int, n: int = 3) -> np.ndarray:
    return np.eye(n, dtype=bool)[list(labels)]


def facts_of(*codes_and_labels) -> pd.DataFrame:
    return query_facts(hamming_histograms(*codes_and_labels))


def test_the_facts_of_a_query_by_hand():
    """Distances 0 (wrong), 1 (wrong), 3 (relevant): the only relevant image comes last, AP 1/3."""
    facts = facts_of(codes("0000"), codes("0000", "0001", "0111"), hot(0), hot(1, 1, 0)).iloc[0]

    assert facts["ap"] == pytest.approx(1 / 3)
    assert facts["hits"] == 1
    assert not facts["is_empty"]
    assert facts[["n_relevant", "nearest", "nearest_relevant"]].tolist() == [1, 0, 3]
    assert facts["n_wrong_at_zero"] == 1


def test_a_query_without_anything_relevant_says_so():
    facts = facts_of(codes("0000"), codes("1111"), hot(0), hot(1)).iloc[0]

    assert facts["nearest_relevant"] == -1
    assert facts["is_empty"]
    assert causes(facts, np.array([0, 1, 0]), "abc") == ["nothing relevant in the database"]


def test_confusion_equals_a_count_with_loops(rng):
    queries = HashCodes.from_relaxed(rng.standard_normal((6, 8)))
    database = HashCodes.from_relaxed(rng.standard_normal((30, 8)))
    query_labels, database_labels = rng.random((6, 4)) < 0.4, rng.random((30, 4)) < 0.4

    wrong = wrong_neighbours(queries, database, query_labels, database_labels, k=5)
    found = confusion(query_labels, wrong)

    expected = np.zeros((4, 4), int)
    distances = queries.hamming(database)
    for q in range(6):
        for item in np.argsort(distances[q], kind="stable")[:5]:
            if not (query_labels[q] & database_labels[item]).any():
                for own in np.flatnonzero(query_labels[q]):
                    for other in np.flatnonzero(database_labels[item]):
                        expected[own, other] += 1
    assert np.array_equal(found, expected)
    assert found.sum() > 0


def test_causes_name_what_stands_out():
    facts = facts_of(codes("00000000"), codes("00000000", "11111100"), hot(0), hot(1, 0)).iloc[0]

    found = causes(facts, np.array([0, 6, 0]), ("ships", "planes", "cars"))

    assert found == [
        "rare class (n=1)",
        "same code as 1 of another class",
        "its class is far: 6 bits, nearest image 0",
        "mostly taken for planes",
    ]


def test_a_crowd_at_the_cut_is_chance():
    database = codes(*["0001"] * 60)
    facts = facts_of(codes("0000"), database, hot(0), hot(*[0] * 30, *[1] * 30)).iloc[0]

    assert causes(facts, np.array([0, 2, 0]), "abc") == ["chance: 60 images tie at rank 10"]


def test_the_worst_quarter_and_its_sample():
    ap = np.arange(20) / 20

    is_failure = worst_quarter(ap)
    sample = review_sample(is_failure, 3)

    assert np.flatnonzero(is_failure).tolist() == [0, 1, 2, 3, 4]
    assert len(set(sample.tolist())) == 3
    assert is_failure[sample].all()
    assert np.array_equal(sample, review_sample(is_failure, 3))
    assert worst_quarter([0.5]).tolist() == [True]


def test_a_fully_reviewed_quarter_gives_the_exact_correction():
    """AP 0, 0 | 1 x 6: of two failures one is a label error: (6 + 0) / (8 - 1)."""
    ap = np.array([0.0, 0.0, 1, 1, 1, 1, 1, 1])

    found = corrected_map(ap, worst_quarter(ap), np.array([0, 1]), np.array([True, False]))

    assert found.mean == pytest.approx(6 / 7)
    assert found.low < found.mean < found.high


def test_no_label_error_in_a_few_changes_nothing_but_stays_uncertain():
    ap = np.concatenate([np.zeros(50), np.ones(150)])
    reviewed = np.arange(7)

    found = corrected_map(ap, worst_quarter(ap), reviewed, np.zeros(7, bool))
    surer = corrected_map(ap, worst_quarter(ap), np.arange(50), np.zeros(50, bool))

    assert found.mean == pytest.approx(ap.mean())
    assert found.high > surer.high


def test_only_reviewed_failures_count():
    ap = np.array([0.0, 1, 1, 1])
    with pytest.raises(ValueError, match="at least one reviewed"):
        corrected_map(ap, worst_quarter(ap), np.array([], int), np.array([], bool))
    with pytest.raises(ValueError, match="only failures"):
        corrected_map(ap, worst_quarter(ap), np.array([2]), np.array([True]))
