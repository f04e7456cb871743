"""Near-duplicates: the banded search finds what comparing all pairs finds."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.ingest.near_duplicates import MAX_DISTANCE, near_pairs


@pytest.mark.parametrize("seed", range(5))
def test_all_near_pairs_are_found(seed):
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 2**63, 20, dtype=np.uint64)
    flips = [sum(1 << int(bit) for bit in rng.choice(64, rng.integers(1, 4))) for _ in range(200)]
    hashes = np.unique(rng.choice(centres, 200) ^ np.array(flips, np.uint64))

    naive = {
        (i, j, d)
        for i, j in combinations(range(len(hashes)), 2)
        if (d := (int(hashes[i]) ^ int(hashes[j])).bit_count()) <= MAX_DISTANCE
    }

    assert len(naive) > 100
    assert {*near_pairs(hashes)} == naive


def test_copies_are_compared_with_their_first_only():
    hashes = np.full(1000, 0b101, np.uint64)

    pairs = near_pairs(hashes)

    assert len(pairs) == 999
    assert {(first, distance) for first, _, distance in pairs} == {(0, 0)}


def test_plain_pictures_say_nothing():
    assert near_pairs(np.zeros(50, np.uint64)) == []
    assert near_pairs(np.array([], np.uint64)) == []
