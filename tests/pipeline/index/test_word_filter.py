"""has_word: the same words as words_of, whatever the text is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.index.word_filter import has_word, words_of

LETTERS = [*list("aAbB12_-. /"), "ß", "é", "É", "İ", "ı", "K", "猫", "٣", "²", "Ⅷ", "\n", "́"]


@pytest.mark.parametrize("letters", [LETTERS[:11], LETTERS], ids=["ascii", "any"])
def test_it_finds_what_a_text_is_divided_into(letters: list[str]) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(letters, rng.integers(0, 9))) for _ in range(500)]
    column = pd.Series(texts, dtype="str")
    words = sorted({word for text in texts for word in words_of(text)})

    for word in rng.choice(words, 60, replace=False):
        assert has_word(column, word).tolist() == [word in words_of(text) for text in texts]


def test_parts_of_words_and_nothing_at_all_are_not_found() -> None:
    texts = pd.Series(["grinning_face.png", "", "Face"], dtype="str")

    assert has_word(texts, "face").tolist() == [True, False, True]
    assert has_word(texts, "grin").tolist() == [False] * 3
    assert has_word(texts[:0], "face").tolist() == []
