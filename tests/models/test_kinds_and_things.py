from models.kinds_and_things import FINDS, SHARPER


def test_every_choice_is_sharper_than_the_one_before_up_to_the_codes_of_itq():
    *learned, last = FINDS

    assert last == "same thing" and last not in SHARPER
    assert list(SHARPER) == learned
    assert list(SHARPER.values()) == sorted(set(SHARPER.values()))
