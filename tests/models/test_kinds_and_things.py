import pytest

from models.kinds_and_things import FINDS, neighbour_bits


@pytest.mark.parametrize(
    ("find", "expected"),
    [("same kind", 0), ("rather kind", 4), ("both", 8), ("rather thing", 16), ("same thing", 32)],
)
def test_what_to_find_says_the_bits_for_neighbours(find, expected):
    assert neighbour_bits(find, 32) == expected


def test_every_choice_leaves_more_for_things_than_the_one_before():
    bits = [neighbour_bits(find, 64) for find in FINDS]

    assert bits == sorted(set(bits))
