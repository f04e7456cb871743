import pytest

from models.kinds_and_things import FINDS, neighbour_bits


@pytest.mark.parametrize(
    ("find", "expected"),
    [("same kind", 0), ("rather kind", 4), ("both", 8), ("rather thing", 16), ("same thing", 32)],
)
def test_what_to_find_says_the_bits_for_neighbours_whatever_the_groups(find, expected):
    assert neighbour_bits(find, 32, groups=0) == expected
    assert neighbour_bits(find, 32, groups=1e6) == expected


@pytest.mark.parametrize(("groups", "expected"), [(45, 2), (64, 2), (65, 0), (106, 0)])
def test_automatic_gives_a_sixteenth_where_the_groups_leave_room(groups, expected):
    assert neighbour_bits("automatic", 32, groups) == expected


def test_every_choice_leaves_more_for_things_than_the_one_before():
    bits = [neighbour_bits(find, 64, groups=10) for find in FINDS[1:]]

    assert bits == sorted(set(bits))
    assert all(0 <= each <= 64 for each in bits)
