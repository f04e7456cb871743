"""Names in a zip: UTF-8 where it says so, else in a code page that is told or guessed."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.code_pages import CODE_PAGES, guess_code_page

_IS_UTF8 = 0x800  # flag of a member
_UNICODE_PATH = 0x7075  # extra field of Info-ZIP


def zip_names(
    members: Sequence[zipfile.ZipInfo], archive: str, encoding: str = ""
) -> tuple[list[str], list[Problem]]:
    """The name of each member with forward slashes, and what is to be said about them.

    Args:
        members: members of the archive.
        archive: name of the archive.
        encoding: encoding of names that do not say theirs; empty: guessed.

    Raises:
        DatasetError: there is no such encoding, or a name is not valid in it.
    """
    names, problems = _decoded(members, archive, encoding)
    slashed = [name.replace("\\", "/") for name in names]
    n_changed = sum(name != other for name, other in zip(names, slashed, strict=True))
    if n_changed:
        reason = (
            f"{n_changed:,} names with backslashes, as Windows writes them, were read as folders"
        )
        problems.append(Problem(archive, reason, "noted"))
    return slashed, problems


def _decoded(
    members: Sequence[zipfile.ZipInfo], archive: str, encoding: str
) -> tuple[list[str], list[Problem]]:
    told = [_told_name(member) for member in members]
    raw = {
        place: _raw(member)
        for place, (member, name) in enumerate(zip(members, told, strict=True))
        if name is None
    }
    unclear = [name for name in raw.values() if not name.isascii()]
    page = encoding or (guess_code_page(unclear) if unclear else "ascii")
    names = [
        _in(page, raw[place], archive) if name is None else name for place, name in enumerate(told)
    ]
    if encoding or page in ("ascii", "utf-8"):
        return names, []
    reason = (
        f"{len(unclear):,} names without a declared encoding were read as {page} (a guess): "
        f"{_in(page, unclear[0], archive)[:80]}; set another with --encoding"
    )
    return names, [Problem(archive, reason, "noted")]


def _told_name(member: zipfile.ZipInfo) -> str | None:
    """A name that the archive gives in Unicode; None for bytes in a code page."""
    if member.flag_bits & _IS_UTF8:
        return member.orig_filename
    raw, extra = _raw(member), member.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[:1] == b"\1":
            if int.from_bytes(field[1:5], "little") != zlib.crc32(raw):
                return None  # the member was renamed by a program that does not know the field
            return field[5:].decode("utf-8", "surrogateescape")
    return None


def _raw(member: zipfile.ZipInfo) -> bytes:
    """The bytes of a name; zipfile has read them as code page 437, which has all of them."""
    return member.orig_filename.encode("cp437")


def _in(encoding: str, raw: bytes, archive: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        problem = f"{archive} has a name that is not valid {encoding}: {raw!r}"
        raise DatasetError(f"{problem}; set another with --encoding") from error
    except LookupError as error:
        raise DatasetError(
            f"{encoding!r} is not a text encoding; use for example {', '.join(CODE_PAGES)} or utf-8"
        ) from error
