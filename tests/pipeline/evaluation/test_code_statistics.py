import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.codes import HashCodes
from pipeline.evaluation.code_statistics import (
    bit_correlation,
    bit_entropy,
    code_buckets,
    code_statistics,
    distance_histograms,
)


def codes_of(*rows):
    return HashCodes.from_relaxed([[1 if bit == "1" else -1 for bit in row] for row in rows])


def test_statistics_by_hand():
    """Bits 1 and 2 are copies, bit 3 their opposite, bit 4 is dead, bit 5 independent of them.

    Shares of ones: 1/2, 1/2, 1/2, 1, 1/2, so entropies 1, 1, 1, 0, 1. Of the 10 pairs of bits the 3
    among bits 1 to 3 have |correlation| 1, the others 0. The covariance has trace 4 and squares
    9 + 1, so 16/10 effective bits. All four codes differ.
    """
    statistics = code_statistics(codes_of("11010", "11011", "00110", "00111"))

    assert (statistics.n, statistics.bits) == (4, 5)
    assert statistics.bit_means == (0.5, 0.5, 0.5, 1.0, 0.5)
    assert (statistics.entropy_mean, statistics.entropy_min) == (0.8, 0)
    assert statistics.correlation_mean == pytest.approx(0.3)
    assert statistics.correlation_max == pytest.approx(1)
    assert statistics.effective_bits == pytest.approx(1.6)
    assert statistics.dead_bits == 1
    assert (statistics.duplicate_pairs, statistics.complement_pairs) == (1, 2)
    assert (statistics.distinct, statistics.collision_rate, statistics.largest_bucket) == (4, 0, 1)


@pytest.mark.parametrize("padding", ["", "0" * 80], ids=["one word", "two words"])
def test_collisions_are_counted_in_items(padding):
    """Buckets of 3, 2 and 1 items: 5 of 6 items share their code."""
    rows = ["01", "01", "01", "10", "10", "11"]

    statistics = code_statistics(codes_of(*(padding + row for row in rows)))

    assert (statistics.distinct, statistics.largest_bucket) == (3, 3)
    assert statistics.collision_rate == pytest.approx(5 / 6)


def test_all_balanced_codes_of_three_bits_are_ideal():
    statistics = code_statistics(codes_of(*(f"{i:03b}" for i in range(8))))

    assert statistics.entropy_min == 1
    assert statistics.correlation_max == 0
    assert statistics.effective_bits == pytest.approx(3)


@pytest.mark.parametrize("n", [1, 5])
def test_a_collapsed_method_has_dead_bits_only(n):
    statistics = code_statistics(codes_of(*["0110"] * n))

    assert statistics.dead_bits == 4
    assert statistics.effective_bits == 0
    assert statistics.correlation_max == statistics.correlation_mean == 0
    assert (statistics.duplicate_pairs, statistics.complement_pairs) == (0, 0)
    assert (statistics.distinct, statistics.largest_bucket) == (1, n)


def test_a_single_bit_has_no_pairs():
    statistics = code_statistics(codes_of("0", "1", "1", "0"))

    assert statistics.correlation_mean == statistics.correlation_max == 0
    assert statistics.effective_bits == pytest.approx(1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 70), st.sampled_from([2, 12, 70]))
def test_correlations_are_those_of_numpy(seed, n, bits):
    rng = np.random.default_rng(seed)
    codes = HashCodes.from_relaxed(rng.standard_normal((n, bits)) + 0.3)
    signs = codes.signs().astype(float)

    statistics = code_statistics(codes)

    covariance = np.cov(signs.T, bias=True)
    live = np.diag(covariance) > 1e-12
    correlation = np.zeros((bits, bits))
    if live.sum() > 1:
        correlation[np.ix_(live, live)] = np.corrcoef(signs[:, live].T)
    pairs = np.abs(correlation[np.triu_indices(bits, 1)])
    assert statistics.correlation_mean == pytest.approx(pairs.mean())
    assert statistics.correlation_max == pytest.approx(pairs.max())
    assert statistics.bit_means == pytest.approx((signs.mean(axis=0) + 1) / 2)
    assert statistics.dead_bits == (~live).sum()
    if live.any():
        expected = np.trace(covariance) ** 2 / np.square(covariance).sum()
        assert statistics.effective_bits == pytest.approx(expected)
    assert 0 <= statistics.effective_bits <= min(bits, n) + 1e-9


def test_statistics_need_codes():
    with pytest.raises(ValueError, match="at least one code, got none"):
        code_statistics(HashCodes(np.empty((0, 1), np.uint8), 8))


def test_entropy_of_a_quarter_by_hand():
    """-(1/4) log2(1/4) - (3/4) log2(3/4) = 2/4 + (3/4)(2 - log2 3)."""
    expected = 0.5 + 0.75 * (2 - np.log2(3))

    assert bit_entropy([0, 0.25, 0.5, 1]) == pytest.approx([0, expected, 1, 0])


def test_distance_histograms_add_up_grades_and_queries():
    """Two queries, two distances, shared labels 0, 1, 2."""
    counts = np.array([[[5, 1, 2], [7, 0, 0]], [[1, 0, 0], [2, 3, 4]]])

    same, different = distance_histograms(counts)

    assert same.tolist() == [3, 7]
    assert different.tolist() == [6, 9]


def test_correlation_equals_numpy_and_is_0_for_a_dead_bit(rng):
    signs = rng.standard_normal((50, 5))
    signs[:, 2], signs[:, 4] = 1, -signs[:, 0]

    found = bit_correlation(HashCodes.from_relaxed(signs))

    live = [0, 1, 3, 4]
    expected = np.corrcoef(np.where(signs[:, live] >= 0, 1, -1).T)
    assert found[np.ix_(live, live)] == pytest.approx(expected)
    assert found[0, 4] == pytest.approx(-1)
    assert not found[2].any()


def test_buckets_are_the_distinct_codes_fullest_first():
    codes = HashCodes.from_relaxed(np.array([[1.0, 1], [1, -1], [1, 1], [-1, 1], [1, 1]]))

    found = code_buckets(codes)

    assert found.sizes.tolist() == [3, 1, 1]
    assert np.flatnonzero(found.bucket == 0).tolist() == [0, 2, 4]
    assert (found.codes.signs()[found.bucket] == codes.signs()).all()
