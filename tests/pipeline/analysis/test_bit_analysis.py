"""Bits one by one: correlation, lookup, overlap and ablation, by hand and against loops."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.analysis.bit_analysis import (
    BitAblation,
    ablate_bits,
    bit_sample,
    lookup,
    overlap,
    radius_for,
)
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import hamming_histograms


def test_a_lookup_by_hand():
    """One query; at distance 0 a wrong image, at 1 a relevant one, at 3 another: K = 3."""
    counts = np.array([[[1, 0], [0, 1], [0, 0], [0, 1]]])

    table = lookup(counts)

    assert table["candidates"].tolist() == [1, 2, 2, 3]
    assert table["precision"].tolist() == pytest.approx([0, 1 / 2, 1 / 2, 2 / 3])
    assert table["recall"].tolist() == pytest.approx([0, 0.5, 0.5, 1])
    assert table["empty"].tolist() == [0, 0, 0, 0]
    assert (radius_for(table, 0.5), radius_for(table, 0.9)) == (1, 3)


def test_overlap_is_0_apart_1_together_and_knows_empty():
    near, far = np.array([4, 0]), np.array([0, 9])

    assert overlap(near, far) == 0
    assert overlap(near, 3 * near) == pytest.approx(1)
    assert overlap(near, np.zeros(2, np.int64)) == 0


def test_bits_are_dropped_as_a_search_that_tries_each_at_every_step_would(rng):
    queries, database = rng.standard_normal((8, 6)), rng.standard_normal((40, 6))
    labels = rng.random((8, 3)) < 0.5, rng.random((40, 3)) < 0.5

    def value(kept: list[int]) -> tuple[float, float]:
        own, other = (HashCodes.from_relaxed(one[:, kept]) for one in (queries, database))
        ap = average_precision(hamming_histograms(own, other, *labels))
        return float(ap[::2].mean()), float(ap[1::2].mean())

    codes = HashCodes.from_relaxed(queries), HashCodes.from_relaxed(database)
    found = ablate_bits(bit_sample(*codes, *labels))

    left, course = list(range(6)), [value(list(range(6)))[1]]
    for step in range(5):
        tried = {bit: value([one for one in left if one != bit]) for bit in left}
        chosen = found.order[step]
        assert tried[chosen][0] == pytest.approx(max(first for first, _ in tried.values()))
        course.append(tried[chosen][1])
        left.remove(chosen)
    assert found.course == pytest.approx(course)
    assert found.full == found.course[0]
    assert sorted(found.order) == list(range(6))


def test_spare_bits_go_before_more_than_the_loss():
    course = np.array([0.80, 0.81, 0.799, 0.70, 0.799])

    found = BitAblation(0.80, (4, 0, 3, 1, 2), course, 10, 10)

    assert found.spare(0.003) == (4, 0)  # what comes after the drop does not count
    assert found.spare(0.5) == (4, 0, 3, 1)
    assert found.spare(-0.1) == ()


def test_a_sample_measures_some_bits_as_the_evaluation_does(rng):
    queries, database = rng.standard_normal((8, 6)), rng.standard_normal((40, 6))
    labels = rng.random((8, 3)) < 0.5, rng.random((40, 3)) < 0.5
    own, other = HashCodes.from_relaxed(queries), HashCodes.from_relaxed(database)

    found = bit_sample(own, other, *labels).map([0, 2, 3])

    kept = [HashCodes.from_relaxed(one[:, [0, 2, 3]]) for one in (queries, database)]
    assert found == pytest.approx(average_precision(hamming_histograms(*kept, *labels)).mean())


def test_long_codes_are_ablated_on_fewer_queries(rng):
    signs = rng.standard_normal((200, 80))
    codes, labels = HashCodes.from_relaxed(signs), signs[:, :2] > 0

    found = ablate_bits(bit_sample(codes[:120], codes[120:160], labels[:120], labels[120:160]))

    assert (found.n_queries, found.n_items) == (64, 40)
