"""The words that images are filtered by, found among millions at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


def words_of(text: str) -> tuple[str, ...]:
    """The distinct words of a text in lower case, sorted: what a text filter compares.

    Whole words match the same way in every engine, which parts of words do not.

    Example:
        >>> words_of("Grinning_face 2, grinning")
        ('2', 'face', 'grinning')
    """
    return tuple(sorted(set(re.findall(r"[^\W_]+", text.lower()))))


def has_word(texts: pd.Series, word: str) -> NDArray[np.bool_]:
    """Which texts (n,) have a word, as `words_of` divides them.

    ASCII texts are compared by a regular expression of Arrow's, others one by one: what a letter
    is beyond ASCII, the expression does not see as Python does.

    Args:
        texts: (n) of type str.
        word: as `words_of` gives it.
    """
    import pyarrow as pa
    from pyarrow import compute

    column = pa.array(texts.to_numpy(dtype=object), pa.large_string())
    is_ascii = compute.equal(compute.utf8_length(column), compute.binary_length(column))
    pattern = rf"(?:^|[\W_]){word}(?:$|[\W_])"
    found = np.zeros(len(texts), bool)
    if word.isascii():
        matches = compute.match_substring_regex(column, pattern, ignore_case=True)
        found |= np.asarray(matches)
    others = np.flatnonzero(~np.asarray(is_ascii))
    found[others] = [word in words_of(text) for text in texts.iloc[others]]
    return found
