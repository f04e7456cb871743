from itertools import pairwise

from models.kinds_and_things import FACTORS, FINDS


def test_every_choice_is_sharper_and_no_lighter_than_the_one_before():
    assert tuple(FACTORS) == FINDS
    assert FACTORS["same kind"] == (1, 1)
    for before, after in pairwise(FACTORS.values()):
        assert after.sharpness > before.sharpness
        assert after.weight >= before.weight
