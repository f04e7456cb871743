"""Zip and tar archives as file trees: nothing is extracted, members are read where they lie.

No name from an archive ever becomes a path. A compressed tar is first unpacked into one nameless
temporary file, since it cannot be read at random; that file vanishes with its process.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, cast

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.files import RESERVE_BYTES
from pipeline.ingest.tree import MAX_FILE_BYTES, File, FileTree, ReadError, is_junk, without_wrapper
from pipeline.ingest.zip_names import zip_names

PACKED_SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # zipfile: encrypted
    NotImplementedError,  # zipfile: unknown compression
    ValueError,  # both: senseless numbers in headers
    OverflowError,
)
_ENCRYPTED = "encrypted"
_SMALL_BYTES = 100_000_000  # below, no ratio is suspicious


@dataclass(frozen=True)
class Limits:
    """What an archive may hold; all sizes in bytes.

    Attributes:
        entries: members.
        file_bytes: one member, unpacked.
        total_bytes: all members, unpacked.
        ratio: unpacked by packed size of a member over a megabyte; more is taken for a bomb.
    """

    entries: int = 5_000_000
    file_bytes: int = MAX_FILE_BYTES
    total_bytes: int = 1 << 40
    ratio: int = 200


def is_archive(path: Path) -> bool:
    """Whether the content of a file is that of a zip or tar, packed or not."""
    with path.open("rb") as file:
        head = file.read(512)
    return head[:4] in (b"PK\3\4", b"PK\5\6") or bool(_opener(head)) or head[257:262] == b"ustar"


def archive_tree(path: Path, limits: Limits = Limits(), *, encoding: str = "") -> FileTree:
    """The members of an archive.

    Members that are unsafe or no plain files become problems. Bytes are counted as they are read,
    since declared sizes can lie.

    Args:
        path: of a zip or tar, told apart by content.
        limits: of the whole and of each member.
        encoding: of names in a zip that do not say theirs; empty: guessed.

    Raises:
        DatasetError: the archive is damaged, too large or a bomb, the disk has no room for it, or
            names are not valid in the encoding.
    """
    problems: list[Problem] = []
    try:
        with path.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        if is_zip:
            members, problems = _zip_members(path, encoding)
        else:
            members = _tar_members(path, limits)
    except DatasetError:
        raise
    except _DAMAGED as error:
        raise DatasetError(f"{path.name} is a damaged archive: {error}") from error
    if len(members) > limits.entries:
        raise DatasetError(
            f"{path.name} has {len(members):,} members, more than {limits.entries:,}"
        )
    total, packed = sum(max(member.size, 0) for member in members), path.stat().st_size
    if total > min(limits.total_bytes, max(limits.ratio * packed, _SMALL_BYTES)):
        raise DatasetError(
            f"{path.name} claims {total / 1e9:.1f} GB in {packed / 1e6:.1f} MB: taken for a bomb"
        )
    files = sorted(_safe(members, limits, problems), key=lambda file: file.name)
    stem = re.sub(r"(\.tar)?\.[^.]+$", "", path.name)
    return FileTree(stem, without_wrapper(files), tuple(problems))


@dataclass(frozen=True)
class _Member:
    """A member of either kind of archive.

    Attributes:
        kind: file, folder, or what else it is.
        packed: its bytes in the archive.
        stamp: of its content.
        open: a stream of its bytes.
    """

    name: str
    kind: str
    size: int
    packed: int
    stamp: str
    open: Callable[[], IO[bytes]]


def _safe(members: Iterable[_Member], limits: Limits, problems: list[Problem]) -> list[File]:
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


def _member_problem(member: _Member, limits: Limits) -> str:
    if member.kind == _ENCRYPTED:
        return f"{_ENCRYPTED}; unpack the archive with its password and import the folder"
    if member.kind != "file":
        return f"{member.kind}, not taken from archives"
    if member.name.lower().endswith(PACKED_SUFFIXES):
        return "an archive inside the archive, not opened; unpack it and import the folder"
    if member.size > limits.file_bytes:
        return f"claims {member.size / 1e6:.0f} MB, more than {limits.file_bytes / 1e6:.0f} MB"
    if member.size > 1e6 and member.size > limits.ratio * max(member.packed, 1):
        return f"unpacks to more than {limits.ratio} times its size: taken for a bomb"
    return ""


def _file(member: _Member, limits: Limits) -> File:
    def read(most: int = min(member.size, limits.file_bytes)) -> bytes:
        try:
            with member.open() as stream:
                return stream.read(most)
        except _DAMAGED as error:
            raise ReadError(f"damaged in the archive ({error})") from error

    return File(member.name, member.size, read, lambda: read(16), member.stamp)


def _zip_members(path: Path, encoding: str) -> tuple[list[_Member], list[Problem]]:
    archive = zipfile.ZipFile(path)
    infos = archive.infolist()
    names, problems = zip_names(infos, path.name, encoding)

    def kind(info: zipfile.ZipInfo, name: str) -> str:
        mode = stat.S_IFMT(info.external_attr >> 16)
        if name.endswith("/"):
            return "folder"
        if info.flag_bits & 1:
            return _ENCRYPTED
        if mode == stat.S_IFLNK:
            return "a symbolic link"
        return "file" if mode in (0, stat.S_IFREG) else "a device"

    def opener(info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        return lambda: archive.open(info)

    members = [
        _Member(
            name=name.removeprefix("./"),
            kind=kind(info, name),
            size=info.file_size,
            packed=info.compress_size,
            stamp=f"{info.file_size} {info.CRC:08x}",
            open=opener(info),
        )
        for info, name in zip(infos, names, strict=True)
    ]
    return members, problems


class _Spool:
    """An open file that is closed with its last user; safe to read from several threads."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self._lock = file, Lock()

    def part(self, offset: int, size: int) -> IO[bytes]:
        """A stream of `size` bytes from `offset` on.

        Raises:
            EOFError: the file ends before.
        """
        with self._lock:
            self.file.seek(offset)
            content = self.file.read(size)
        if len(content) < size:
            raise EOFError(f"{size} bytes expected, {len(content)} there")
        return io.BytesIO(content)

    def __del__(self) -> None:
        self.file.close()


def _tar_members(path: Path, limits: Limits) -> list[_Member]:
    facts = path.stat()
    spool = _Spool(_plain_tar(path, limits))
    with tarfile.open(fileobj=spool.file, mode="r:") as archive:
        infos = list(islice(archive, limits.entries + 1))
    plain: dict[str, tarfile.TarInfo] = {}  # what a hard link can mean: plain files before it

    def member(info: tarfile.TarInfo) -> _Member:
        kind, content = _tar_kind(info), info
        name, target = (text.removeprefix("./") for text in (info.name, info.linkname))
        if info.islnk() and target in plain:
            kind, content = "file", plain[target]
        if kind == "file":
            plain[name] = content
        return _Member(
            name=name,
            kind=kind,
            size=content.size,
            packed=content.size,
            stamp=f"{content.size} {content.mtime} {facts.st_size} {facts.st_mtime_ns}",
            open=lambda: spool.part(content.offset_data, min(content.size, limits.file_bytes)),
        )

    return [member(info) for info in infos]


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.isdir():
        return "folder"
    if info.islnk():
        return "a hard link to what the archive does not hold as a plain file before it"
    if info.issym():
        return "a symbolic link"
    return "file" if info.isreg() and not info.issparse() else "a device or sparse file"


def _plain_tar(path: Path, limits: Limits) -> IO[bytes]:
    """The tar itself, or its unpacked bytes in a file without a name."""
    with path.open("rb") as file:
        unpack = _opener(file.read(8))
    if unpack is None:
        return path.open("rb")
    packed = path.stat().st_size
    room = shutil.disk_usage(tempfile.gettempdir()).free - RESERVE_BYTES
    most = min(limits.total_bytes, room, max(limits.ratio * packed, _SMALL_BYTES))
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _Spool
    n_bytes = 0
    try:
        with unpack(path) as stream:
            while block := stream.read(1 << 20):
                n_bytes += len(block)
                if n_bytes > most:
                    raise DatasetError(
                        f"{path.name} unpacks to more than {most / 1e6:,.0f} MB: taken for a "
                        "bomb, or the disk for temporary files has no room"
                    )
                unpacked.write(block)
        unpacked.seek(0)
    except BaseException:
        unpacked.close()
        raise
    return unpacked


def _opener(head: bytes) -> Callable[[Path], IO[bytes]] | None:
    """What unpacks a file that begins so; None for no compression that tar files have."""
    for start, unpack in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if head.startswith(start):
            return cast(Callable[[Path], IO[bytes]], unpack)
    return None
