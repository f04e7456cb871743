"""The members of a tar archive; a compressed one is first unpacked into a nameless file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, cast

from pipeline.datasets.dataset import DatasetError
from pipeline.files import RESERVE_BYTES
from pipeline.ingest.archive_members import SMALL_BYTES, Limits, Member


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


def tar_members(path: Path, limits: Limits) -> list[Member]:
    """All members of a tar, packed or not; a hard link has the content that it stands for."""
    facts = path.stat()
    spool = _Spool(_plain_tar(path, limits))
    with tarfile.open(fileobj=spool.file, mode="r:") as archive:
        infos = list(islice(archive, limits.entries + 1))
    plain: dict[str, tarfile.TarInfo] = {}  # what a hard link can mean: plain files before it

    def member(info: tarfile.TarInfo) -> Member:
        kind, content = _tar_kind(info), info
        name, target = (text.removeprefix("./") for text in (info.name, info.linkname))
        if info.islnk() and target in plain:
            kind, content = "file", plain[target]
        if kind == "file":
            plain[name] = content
        return Member(
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
        unpack = opener(file.read(8))
    if unpack is None:
        return path.open("rb")
    packed = path.stat().st_size
    room = shutil.disk_usage(tempfile.gettempdir()).free - RESERVE_BYTES
    most = min(limits.total_bytes, room, max(limits.ratio * packed, SMALL_BYTES))
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


def opener(head: bytes) -> Callable[[Path], IO[bytes]] | None:
    """Function that unpacks a file that begins so; None for no compression that tar files have."""
    for start, unpack in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if head.startswith(start):
            return cast(Callable[[Path], IO[bytes]], unpack)
    return None
