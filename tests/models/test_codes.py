"""HashCodes: packing, the sign rule and Hamming distances, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.codes import HashCodes

RELAXED = st.tuples(st.integers(1, 9), st.integers(1, 140)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-2, 2, width=16))
)


@given(RELAXED)
def test_packing_keeps_every_sign_and_zero_is_positive(relaxed):
    codes = HashCodes.from_relaxed(relaxed)

    assert np.array_equal(codes.signs(), np.where(relaxed >= 0, 1, -1))
    assert (len(codes), codes.bits) == relaxed.shape


@given(RELAXED)
def test_packing_the_signs_again_gives_the_same_bytes(relaxed):
    codes = HashCodes.from_relaxed(relaxed)

    assert np.array_equal(HashCodes.from_relaxed(codes.signs()).packed, codes.packed)


@given(RELAXED)
def test_hamming_distances_are_counts_of_unequal_signs(relaxed):
    codes, signs = HashCodes.from_relaxed(relaxed), np.where(relaxed >= 0, 1, -1)

    distances = codes.hamming(codes)

    assert np.array_equal(distances, (signs[:, None] != signs[None]).sum(axis=2))
    assert distances.dtype == np.int32


@given(RELAXED)
def test_words_differ_in_as_many_bits_as_the_codes(relaxed):
    words = HashCodes.from_relaxed(relaxed).words()

    differing = np.bitwise_count(words[:1] ^ words).sum(axis=1)

    signs = relaxed >= 0
    assert np.array_equal(differing, (signs[:1] != signs).sum(axis=1))


def test_the_first_bit_is_the_highest_of_the_first_byte():
    """Signs + - - - - - - - | + are the bytes 1000 0000, 1000 0000 (padded): 128, 128."""
    codes = HashCodes.from_relaxed([[1, -1, -1, -1, -1, -1, -1, -1, 0]])

    assert codes.packed.tolist() == [[128, 128]]


@pytest.mark.parametrize("index", [slice(2, 5), [4, 0], np.arange(6) > 2, 3, slice(0, 0)])
def test_indexing_gives_codes_of_the_same_length(index):
    codes = HashCodes.from_relaxed(np.random.default_rng(1).standard_normal((6, 12)))

    part = codes[index]

    assert np.array_equal(part.signs(), np.atleast_2d(codes.signs()[index]))
    assert part.bits == 12


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        HashCodes.from_relaxed([[1.0, np.nan]])


def test_infinity_has_a_sign():
    assert HashCodes.from_relaxed([[np.inf, -np.inf]]).signs().tolist() == [[1, -1]]


@pytest.mark.parametrize(
    ("packed", "bits", "reason"),
    [
        (np.zeros((2, 1), np.uint8), 9, r"9-bit codes need .* \(n, 2\)"),
        (np.zeros((2, 1), np.int8), 8, "int8"),
        (np.zeros(2, np.uint8), 8, "shape"),
        (np.zeros((2, 1), np.uint8), 0, "at least 1"),
        (np.array([[1]], np.uint8), 7, "last 1 padding bits"),
    ],
)
def test_arrays_that_do_not_fit_the_length_are_refused(packed, bits, reason):
    with pytest.raises(ValueError, match=reason):
        HashCodes(packed, bits)


@pytest.mark.parametrize("relaxed", [np.zeros(4), np.zeros((2, 0)), np.zeros((1, 2, 3))])
def test_relaxed_codes_are_a_matrix(relaxed):
    with pytest.raises(ValueError, match=r"shape|at least 1"):
        HashCodes.from_relaxed(relaxed)


def test_codes_of_different_lengths_cannot_be_compared():
    short, long = (HashCodes.from_relaxed(np.ones((1, bits))) for bits in (8, 16))

    with pytest.raises(ValueError, match="8-bit codes with 16-bit codes"):
        short.hamming(long)


def test_codes_print_their_size():
    assert repr(HashCodes.from_relaxed(np.ones((3, 5)))) == "HashCodes(n=3, bits=5)"
