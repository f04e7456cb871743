"""The code page of names that come without one: the likeliest reading among the usual ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from charset_normalizer import from_bytes

CODE_PAGES = (
    *("cp932", "gb18030", "cp949", "big5"),  # Japanese, Chinese, Korean, traditional Chinese
    *("cp866", "cp1251", "cp437", "cp850", "cp1252"),  # Russian twice, western Europe thrice
)
_HAS_ALL_BYTES = "cp437"
_FREQUENT = {  # first bytes of each page's frequent characters; rare ones lie elsewhere
    "cp932": range(0x88, 0x98),
    "gb18030": range(0xB0, 0xD8),
    "cp949": range(0xB0, 0xC9),
    "big5": range(0xA4, 0xC7),
}
_KANA = {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}
_EASTERN = {"CJK", "HANGUL", "FULLWIDTH"} | _KANA
_COMMON_LATIN = "äöüßéèêëàâçñáíóúûùôîïãõåøæ"
_MOST_NAMES = 500  # that are looked at


def guess_code_page(names: Sequence[bytes]) -> str:
    """The code page in which all names can be read, and in which they look most like words.

    A statistical detector alone errs on a few short names, so strange readings are ruled out first:
    symbols, rare characters, several scripts in a word, capitals behind small letters.

    Args:
        names: names with letters beyond ASCII.

    Returns:
        A name that Python knows; utf-8 when all are valid UTF-8.
    """
    sample = b"\n".join(dict.fromkeys(names[:_MOST_NAMES]))
    readings = {page: text for page in ("utf-8", *CODE_PAGES) if (text := _read(sample, page))}
    if "utf-8" in readings:
        return "utf-8"
    ranked = [match.encoding for match in from_bytes(sample, cp_isolation=[*CODE_PAGES])]
    rank = {page: place for place, page in enumerate(ranked)}
    likeliest = sorted(readings, key=lambda page: rank.get(page, len(ranked)))
    if not likeliest:
        return _HAS_ALL_BYTES
    return min(likeliest, key=lambda page: round(_strangeness(readings[page], page), 2))


def _read(content: bytes, page: str) -> str:
    """The text, or nothing when it has undefined or control characters."""
    try:
        text = content.decode(page)
    except UnicodeDecodeError:
        return ""
    odd = (unicodedata.category(letter) in ("Cc", "Co", "Cn") for letter in text.replace("\n", ""))
    return "" if any(odd) else text


def _strangeness(text: str, page: str) -> float:
    """How little a reading looks like names, by letter that is not ASCII."""
    letters = [letter for letter in text if not letter.isascii()]
    words = re.findall(r"[^\W\d_]+", text)
    total = sum(_oddity(letter, page) for letter in letters) + sum(map(_mixture, words))
    return total / max(len(letters), 1)


def _oddity(letter: str, page: str) -> float:
    """From 0, a letter that is frequent in texts of a code page, to 1, a symbol."""
    script = _script(letter)
    if unicodedata.category(letter)[0] not in "LMN":
        return 1.0
    if page in _FREQUENT:
        if script not in _EASTERN:
            return 0.7
        is_frequent = letter.encode(page)[0] in _FREQUENT[page]
        return 0.0 if is_frequent or script in _KANA | {"FULLWIDTH"} else 0.5
    if script == "LATIN":
        return 0.0 if letter.lower() in _COMMON_LATIN else 0.3
    return 0.0 if script == "CYRILLIC" else 0.8


def _mixture(word: str) -> float:
    """What is odd about a word as a whole: several scripts, or a capital behind a small letter."""
    scripts = {_script(letter) for letter in word}
    is_japanese = bool(scripts & _KANA) and scripts <= _KANA | {"CJK"}
    is_mixed = len(scripts) > 1 and not is_japanese
    capitals = sum(a.islower() and b.isupper() for a, b in pairwise(word))
    return is_mixed + 0.5 * capitals


def _script(letter: str) -> str:
    """The first word of its Unicode name, such as LATIN, CYRILLIC, CJK."""
    return unicodedata.name(letter, "").partition(" ")[0]
