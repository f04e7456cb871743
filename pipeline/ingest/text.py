"""The text of a file whose encoding nobody has written down."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.code_pages import guess_code_page

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PROBE_BYTES = 200_000  # enough to tell an encoding


class Text(NamedTuple):
    """Decoded text; `guess` names the encoding when nothing but the text itself tells it."""

    content: str
    guess: str = ""


def decode_text(content: bytes, name: str, encoding: str = "") -> Text:
    """Decode a file: by its byte order mark, as UTF-8, or in the encoding that fits best.

    Args:
        content: the bytes of the file.
        name: name of the file, for messages.
        encoding: encoding when it is known; nothing is guessed then.

    Raises:
        DatasetError: no such encoding, or the bytes are not text in it.
    """
    try:
        if encoding:
            return Text(codecs.decode(content, encoding).removeprefix("\ufeff"))
        marked = next((kind for mark, kind in _MARKS if content.startswith(mark)), "")
        wide = marked or _wide_encoding(content)
        if wide:
            return Text(content.decode(wide), "" if marked else wide)
        return Text(content.decode("utf-8"))
    except LookupError as error:
        raise DatasetError(f"there is no encoding {encoding!r}; try utf-8, cp1252, gbk") from error
    except UnicodeDecodeError as error:
        damaged = () if encoding else _damaged_lines(content)
        if damaged:
            shown = ", ".join(map(str, damaged[:5]))
            return Text(content.decode(errors="replace"), f"utf-8 with damaged lines {shown}")
        guess = "" if encoding else _guess(content)
        if not guess:
            line = 1 + content[: error.start].count(b"\n")
            raise DatasetError(
                f"{name} is not text in {error.encoding} (line {line}); name its encoding"
            ) from error
    return Text(content.decode(guess), guess)


def _damaged_lines(content: bytes) -> tuple[int, ...]:
    """Numbers of the few lines that are not UTF-8 in a file that is; none for any other file.

    It is one when nine of ten lines that are not ASCII can be read, or all but one of several.
    """
    odd = [(n, line) for n, line in enumerate(content.split(b"\n"), 1) if not line.isascii()]
    damaged = []
    for number, line in odd:
        try:
            line.decode()
        except UnicodeDecodeError:
            damaged.append(number)
    is_rare = 10 * len(damaged) <= len(odd) or len(damaged) == 1 < len(odd) - 1
    return tuple(damaged) if is_rare else ()


def _wide_encoding(content: bytes) -> str:
    """UTF-16 without a mark, where every other byte of Latin text is zero; empty for no such."""
    head = content[:_PROBE_BYTES]
    if len(head) < 4 or head.count(0) < 0.3 * len(head):
        return ""
    return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"


def _guess(content: bytes) -> str:
    """The likeliest encoding; empty for none.

    Lone bytes that are letters in Windows' Western code page are accents, as in `élan`; a detector
    takes those of a short label file for Chinese.
    """
    runs = re.findall(rb"[\x80-\xff]+", content[:_PROBE_BYTES])
    lone = sum(len(run) == 1 for run in runs)
    if lone >= 0.8 * len(runs) and _is_western(b"".join(runs)):
        return "cp1252"
    cells = re.split(rb"[\r\n\t,;]", content[:_PROBE_BYTES])
    code_page = guess_code_page([cell for cell in cells if not cell.isascii()])
    try:
        content.decode(code_page)
    except UnicodeDecodeError:  # it fits the beginning only
        return ""
    return code_page


def _is_western(high: bytes) -> bool:
    """Whether bytes above 127 are letters, or the quotes and dashes of word processors."""
    try:
        text = high.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return all(letter.isalpha() or letter in "‘’“”–—…€°" for letter in text) and any(
        "À" <= letter <= "ÿ" for letter in text
    )
