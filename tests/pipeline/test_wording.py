"""Names as text that is safe and short."""

from __future__ import annotations

import importlib.util

import pytest

from pipeline import wording
from pipeline.wording import COMMAND, short_name


def test_messages_name_the_command_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> str:
        spec = importlib.util.spec_from_file_location("anew", wording.__file__)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.COMMAND

    assert COMMAND == command() == "python -m pipeline"
    with monkeypatch.context() as patched:
        patched.setattr("sys.argv", ["/home/ann/.local/bin/hashlens", "runs"])
        assert command() == "hashlens"
    monkeypatch.setattr("models.installation.IS_INSTALLED", True)
    assert command() == "hashlens"


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
