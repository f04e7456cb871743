"""Unknown names are answered with the nearest known one."""

from models.wording import unknown


def test_a_name_far_from_all_lists_them():
    assert unknown("protocol", "zzz", ("a1", "b2")) == "unknown protocol 'zzz'. Known: a1, b2."
    assert unknown("protocol", "zzz", ()) == "unknown protocol 'zzz'. Known: none."


def test_many_known_names_are_counted_and_not_listed() -> None:
    ids = tuple(f"{number:04d}.png" for number in range(1864))

    sentence = unknown("image", "zebra", ids)

    assert sentence == (
        "unknown image 'zebra'. Known: 1,864, such as 0000.png, 0001.png, 0002.png."
    )
    assert unknown("image", "zebra", ids[:60]).endswith(", 0059.png.")
    assert unknown("image", "1234.pgn", ids).endswith("Did you mean '1234.png'?")
