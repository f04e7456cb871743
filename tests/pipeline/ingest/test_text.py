"""Text is decoded by its marks, as UTF-8, or by a guess that is named."""

from __future__ import annotations

import codecs

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.text import decode_text

GERMAN = "datei;art\n1.jpg;Schäferhund\n2.jpg;Möwe\n3.jpg;weiß\n"
RUSSIAN = "файл;метка\n0.jpg;кошка\n1.jpg;собака\n2.jpg;лошадь\n"


@pytest.mark.parametrize(
    "content",
    [
        GERMAN.encode(),
        codecs.BOM_UTF8 + GERMAN.encode(),
        GERMAN.encode("utf-16"),
        codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"),
        GERMAN.encode("utf-32"),
    ],
    ids=["utf-8", "utf-8 mark", "utf-16", "utf-16 big", "utf-32"],
)
def test_what_the_file_itself_says_is_no_guess(content: bytes) -> None:
    assert decode_text(content, "t.csv") == (GERMAN, "")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        ("0.jpg;élan\n1.jpg;chat\n", "cp1252"),
        ("0.jpg;élan\n1.jpg;“chat”\n", "cp1252"),
        (RUSSIAN, "cp1251"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
    ],
)
def test_what_it_does_not_say_is_guessed_and_named(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding), "t.csv") == (text, encoding)


def test_a_line_that_is_damaged_is_named_and_half_of_them_are_another_encoding() -> None:
    damaged = "größe\nweiß\nMöwe\n".encode().replace("weiß".encode(), b"wei\xff")

    assert decode_text(damaged, "t.csv").guess == "utf-8 with damaged lines 2"
    assert decode_text("猫\n狗\n猫\n狗\n".encode("gbk"), "t.csv").guess.startswith("utf-8") is False


def test_a_named_encoding_is_taken_and_a_wrong_one_refused() -> None:
    assert decode_text("猫".encode("shift_jis"), "t.csv", "shift_jis") == ("猫", "")
    with pytest.raises(DatasetError, match=r"t.csv is not text in ascii \(line 2\)"):
        decode_text(b"a\n\xff", "t.csv", "ascii")
    with pytest.raises(DatasetError, match="no encoding 'latin-99'"):
        decode_text(b"a", "t.csv", "latin-99")
