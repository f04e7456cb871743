"""Names as text that is safe and short."""

from __future__ import annotations

import pytest

from pipeline.wording import short_name


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("grinning face", "grinning face"),
        ("IMG_0042.jpg", "IMG_0042.jpg"),
        ("1F600", "1F600"),
        ("20240131.png", "20240131.png"),  # a date says something
        ("d41d8cd98f00b204e9800998ecf8427e.jpg", ""),
        ("photos/d41d8cd98f00b204", ""),
        ("1234567890123", ""),
        ("550e8400-e29b-41d4-a716-446655440000.webp", ""),
        ("x" * 40, "x" * 40),
        ("front_of_the_house_in_the_evening_light_0017.jpg", "front_of_the…ght_0017.jpg"),
    ],
)
def test_names_that_tell_nothing_are_left_out_and_long_ones_lose_their_middle(
    name: str, short: str
) -> None:
    assert short_name(name) == short
