"""Unknown names are answered with the nearest known one."""

from models.wording import unknown


def test_a_name_far_from_all_lists_them():
    assert unknown("protocol", "zzz", ("a1", "b2")) == "unknown protocol 'zzz'. Known: a1, b2."
    assert unknown("protocol", "zzz", ()) == "unknown protocol 'zzz'. Known: none."
