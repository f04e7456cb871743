"""Names, numbers and errors as text that is safe and short."""

from __future__ import annotations

import errno
import html
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from models.installation import IS_INSTALLED

_IS_HASHLENS = IS_INSTALLED or Path(sys.argv[0]).stem == "hashlens"
COMMAND = "hashlens" if _IS_HASHLENS else "python -m pipeline"  # what messages call this program
_MEANINGLESS = re.compile(r"[0-9]{9,}|[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4,12}){2,}")
_LONGEST = 40  # letters of a caption; the page cuts the end of less
_NO_ROOM = {
    errno.ENOSPC: "the disk is full, make room and do it again",
    errno.EDQUOT: "the quota on this disk is used up, make room and do it again",
    errno.EROFS: "the disk is read-only, so nothing can be stored",
    errno.EACCES: "this program may not write here",
    errno.EFBIG: "a file may not be so large here (ulimit -f)",
}
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def escape_markdown(text: str) -> str:
    """Text from a file or a user, so that Markdown, HTML and Streamlit's own marks stay letters."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def escape_html(text: str) -> str:
    """Escape a text for HTML, quotes included."""
    return html.escape(" ".join(text.split()), quote=True)


def percent(share: float | None) -> str:
    """A share as percent with one decimal; a dash when it is not known."""
    return "–" if share is None else f"{100 * share:.1f}"


def telling_name(name: str) -> str:
    """A name, or nothing for a hash or a long number, which tells nobody anything.

    Example:
        >>> telling_name("d41d8cd98f00b204e9800998ecf8427e.jpg")
        ''
    """
    return "" if _MEANINGLESS.fullmatch(name.rpartition("/")[2].partition(".")[0]) else name


def short_name(name: str) -> str:
    """A telling name that fits below a small picture.

    Of what is long the middle is left out, since names in a folder differ at the end.

    Example:
        >>> short_name("photos_of_the_holiday_in_the_summer_0017.jpg")
        'photos_of_th…mer_0017.jpg'
    """
    told = telling_name(name)
    return told if len(told) <= _LONGEST else f"{told[:12]}…{told[-12:]}"


def plural(n: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "image"), plural(1492, "code")
        ('1 image', '1,492 codes')
        >>> plural(2, "query")
        '2 queries'
    """
    many = f"{noun[:-1]}ies" if noun.endswith(("ry", "py")) else f"{noun}s"
    return f"{n:,} {noun if n == 1 else many}"


def listed(words: Sequence[str]) -> str:
    """Words in a sentence.

    Example:
        >>> listed(["ITQ"]), listed(["ITQ", "LSH", "CSQ"])
        ('ITQ', 'ITQ, LSH and CSQ')
    """
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def duration(seconds: float) -> str:
    """A duration with a unit that fits its size."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def file_size(n_bytes: float) -> str:
    """A size in the largest unit that gives at least 1."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if n_bytes < 1000 or unit == "TB":
            break
        n_bytes /= 1000
    return plural(round(n_bytes), "byte") if unit == "bytes" else f"{n_bytes:.1f} {unit}"


def sentence(error: Exception) -> str:
    """The message of an error on one line; of a disk that takes no more, what to do about it."""
    if isinstance(error, OSError) and (cause := _NO_ROOM.get(error.errno or 0)):
        place = f": {error.filename}" if error.filename else ""
        return f"{cause}{place}; what was there is still there"
    if not isinstance(error, ValidationError):
        return str(error)
    parts = []
    for detail in error.errors():
        where = ".".join(str(part) for part in detail["loc"])
        parts.append(f"{where}: {detail['msg']}" if where else str(detail["msg"]))
    return "; ".join(part.removeprefix("Value error, ") for part in parts)
