"""The members of a zip archive, and what a member of any archive is."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipeline.datasets.problems import Problem
from pipeline.ingest.tree import MAX_FILE_BYTES
from pipeline.ingest.zip_names import zip_names

DAMAGED = (
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
ENCRYPTED = "encrypted"
SMALL_BYTES = 100_000_000  # below, no ratio is suspicious


@dataclass(frozen=True)
class Limits:
    """Limits of what an archive may hold; all sizes in bytes.

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


@dataclass(frozen=True)
class Member:
    """A member of either kind of archive.

    Attributes:
        kind: file, folder, or what else it is.
        packed: number of its bytes in the archive.
        stamp: stamp of its content.
        open: a stream of its bytes.
    """

    name: str
    kind: str
    size: int
    packed: int
    stamp: str
    open: Callable[[], IO[bytes]]


def zip_members(path: Path, encoding: str) -> tuple[list[Member], list[Problem]]:
    """All members of a zip, and problems with their names."""
    archive = zipfile.ZipFile(path)
    infos = archive.infolist()
    names, problems = zip_names(infos, path.name, encoding)

    def kind(info: zipfile.ZipInfo, name: str) -> str:
        mode = stat.S_IFMT(info.external_attr >> 16)
        if name.endswith("/"):
            return "folder"
        if info.flag_bits & 1:
            return ENCRYPTED
        if mode == stat.S_IFLNK:
            return "a symbolic link"
        return "file" if mode in (0, stat.S_IFREG) else "a device"

    def opener(info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        return lambda: archive.open(info)

    members = [
        Member(
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
