"""Bits of two runs are matched whatever their order, sign and number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.analysis import bit_alignment
from pipeline.analysis.bit_alignment import align_bits


def test_shuffled_and_inverted_bits_find_each_other(rng):
    signs = rng.standard_normal((200, 7))
    order, sign = rng.permutation(7), rng.choice([-1, 1], 7)
    other = np.empty_like(signs)
    other[:, order] = signs * sign  # bit k becomes bit order[k]

    found = align_bits(HashCodes.from_relaxed(signs), HashCodes.from_relaxed(other))

    assert found.counterpart.tolist() == order.tolist()
    assert found.correlation == pytest.approx(sign)
    assert found.n_stable(0.7) == 7
    assert found.n_by_chance(0.7) == 0
    assert found.n_images == 200


def test_the_matching_has_the_largest_sum_whichever_side_is_longer(rng):
    """Against trying all assignments; bits that are left over have no counterpart."""
    short, long = rng.standard_normal((40, 3)), rng.standard_normal((40, 5))
    r = np.corrcoef(np.where(np.hstack([short, long]) >= 0, 1, -1).T)[:3, 3:]
    best = max(
        sum(abs(r[k, bit]) for k, bit in enumerate(chosen))
        for chosen in itertools.permutations(range(5), 3)
    )
    codes = HashCodes.from_relaxed(short), HashCodes.from_relaxed(long)

    found, turned = align_bits(*codes), align_bits(*codes[::-1])

    assert np.abs(found.correlation).sum() == pytest.approx(best)
    assert np.abs(turned.correlation).sum() == pytest.approx(best)
    assert (turned.counterpart == -1).sum() == 2
    for k, bit in enumerate(found.counterpart):
        assert turned.counterpart[bit] == k
        assert found.correlation[k] == pytest.approx(r[k, bit])


def test_unrelated_codes_are_as_like_as_chance_makes_them(rng):
    """Few images: the best of many pairs correlates by chance, and the chance level says so."""
    codes = [HashCodes.from_relaxed(rng.standard_normal((30, 16))) for _ in range(2)]

    found = align_bits(*codes)

    assert np.abs(found.correlation).mean() == pytest.approx(found.chance.mean(), abs=0.05)
    assert found.chance.mean() > 0.2
    again = align_bits(*codes)
    assert (again.chance == found.chance).all()
    assert (align_bits(*codes, seed=1).chance != found.chance).any()


def test_dead_bits_match_nothing_and_many_images_are_sampled(rng, monkeypatch):
    monkeypatch.setattr(bit_alignment, "MOST_IMAGES", 50)
    signs = rng.standard_normal((80, 3))
    signs[:, 1] = 1

    found = align_bits(*[HashCodes.from_relaxed(signs)] * 2)

    assert found.n_images == 50
    assert found.correlation == pytest.approx([1, 0, 1])
    with pytest.raises(ValueError, match="same images, got 80 and 79"):
        align_bits(HashCodes.from_relaxed(signs), HashCodes.from_relaxed(signs[1:]))
