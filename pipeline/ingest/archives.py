"""Zip and tar archives as file trees: nothing is extracted, members are read where they lie.

No name from an archive ever becomes a path. A compressed tar is first unpacked into one nameless
temporary file, since it cannot be read at random; that file vanishes with its process.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.archive_members import (
    DAMAGED,
    ENCRYPTED,
    SMALL_BYTES,
    Limits,
    Member,
    zip_members,
)
from pipeline.ingest.tar_members import opener, tar_members
from pipeline.ingest.tree import File, FileTree, ReadError, is_junk, without_wrapper

PACKED_SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


def is_archive(path: Path) -> bool:
    """Whether the content of a file is that of a zip or tar, packed or not."""
    with path.open("rb") as file:
        head = file.read(512)
    return head[:4] in (b"PK\3\4", b"PK\5\6") or bool(opener(head)) or head[257:262] == b"ustar"


def archive_tree(path: Path, limits: Limits = Limits(), *, encoding: str = "") -> FileTree:
    """The members of an archive.

    Members that are unsafe or no plain files become problems. Bytes are counted as they are read,
    since declared sizes can lie.

    Args:
        path: path of a zip or tar, told apart by content.
        limits: limits of the whole and of each member.
        encoding: encoding of names in a zip that do not say theirs; empty: guessed.

    Raises:
        DatasetError: the archive is damaged, too large or a bomb, the disk has no room for it, or
            names are not valid in the encoding.
    """
    problems: list[Problem] = []
    try:
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        if is_zip:
            members, problems = zip_members(path, encoding)
        else:
            members = tar_members(path, limits)
    except DatasetError:
        raise
    except DAMAGED as error:
        raise DatasetError(f"{path.name} is a damaged archive: {error}") from error
    if len(members) > limits.entries:
        raise DatasetError(
            f"{path.name} has {len(members):,} members, more than {limits.entries:,}"
        )
    total, packed = sum(max(member.size, 0) for member in members), path.stat().st_size
    if total > min(limits.total_bytes, max(limits.ratio * packed, SMALL_BYTES)):
        raise DatasetError(
            f"{path.name} claims {total / 1e9:.1f} GB in {packed / 1e6:.1f} MB: taken for a bomb"
        )
    files = sorted(_safe(members, limits, problems), key=lambda file: file.name)
    stem = re.sub(r"(\.tar)?\.[^.]+$", "", path.name)
    return FileTree(stem, without_wrapper(files), tuple(problems))


def _safe(members: Iterable[Member], limits: Limits, problems: list[Problem]) -> list[File]:
    """The members that are plain files with harmless names; the others become problems."""
    files: list[File] = []
    seen: dict[str, str] = {}
    for member in members:
        if member.kind == "folder" or (is_junk(member.name) and not _name_problem(member.name)):
            continue
        key = unicodedata.normalize("NFC", member.name).casefold()
        reason = _name_problem(member.name) or _member_problem(member, limits)
        if not reason and key in seen:
            reason = f"same name as {seen[key]}, up to case and accents"
        if reason:
            shown = member.name.encode("utf-8", "backslashreplace").decode()
            problems.append(Problem(shown[:300], reason))
        else:
            seen[key] = member.name
            files.append(_file(member, limits))
    return files


def _name_problem(name: str) -> str:
    """Why a name could leave a folder or confuse a file system; empty when it cannot."""
    parts = name.split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "an absolute path"
    if ".." in parts:
        return "a path that leaves the archive (..)"
    if "\\" in name:
        return "a backslash in the name"
    if not all(parts) or "." in parts or name != name.encode("utf-8", "replace").decode():
        return "not a usable name"
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        return "a control character in the name"
    if max(len(part.encode()) for part in parts) > 255 or len(name.encode()) > 4096:
        return "a name that is too long"
    return ""


def _member_problem(member: Member, limits: Limits) -> str:
    if member.kind == ENCRYPTED:
        return f"{ENCRYPTED}; unpack the archive with its password and import the folder"
    if member.kind != "file":
        return f"{member.kind}, not taken from archives"
    if member.name.lower().endswith(PACKED_SUFFIXES):
        return "an archive inside the archive, not opened; unpack it and import the folder"
    if member.size > limits.file_bytes:
        return f"claims {member.size / 1e6:.0f} MB, more than {limits.file_bytes / 1e6:.0f} MB"
    if member.size > 1e6 and member.size > limits.ratio * max(member.packed, 1):
        return f"unpacks to more than {limits.ratio} times its size: taken for a bomb"
    return ""


def _file(member: Member, limits: Limits) -> File:
    def read(most: int = min(member.size, limits.file_bytes)) -> bytes:
        try:
            with member.open() as stream:
                return stream.read(most)
        except DAMAGED as error:
            raise ReadError(f"damaged in the archive ({error})") from error

    return File(member.name, member.size, read, lambda: read(16), member.stamp)
