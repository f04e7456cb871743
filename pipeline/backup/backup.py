"""Back up a library into a folder, by hash, while it is in use; and restore it.

    <backup>/objects/ab/<sha256>      content of files, each once however many backups have it
    <backup>/<time>.json              a backup: path -> SHA-256 and size of every file

A second backup into the same folder stores what is new alone. Files are replaced whole or grow at
their end, so each is consistent by itself; a data set or a run that changes while it is copied is
copied again, so its files belong together. Embedded indexes, thumbnails and locks are left out:
they are made again from codes and images.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from pipeline.files import check_room, reading, write_atomic
from pipeline.library_version import VERSION
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings
from pipeline.sums import read_checked

_LEFT_OUT = ("index", "thumbs", "uploads", "workers", "downloads", "cache")
_TRIES = 5
_CHUNK = 1 << 20


class BackupError(ValueError):
    """A backup is damaged, or cannot be taken or restored; the message says why."""


class StoredFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sha256: str
    size: int


class Backup(BaseModel):
    """A backup (<time>.json).

    Attributes:
        library_version: version of the data folder.
        created: ISO 8601, UTC.
        files: by their path in the library.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    library_version: int
    created: str
    files: dict[str, StoredFile]


def back_up(settings: Settings, to: Path, on_progress: Progress = ignore_progress) -> Path:
    """Copy all files of a library that cannot be made again; returns the new backup's file.

    Args:
        settings: say where the library is.
        to: folder of backups outside of the library; made if missing.
        on_progress: called with parts done and parts in all.

    Raises:
        BackupError: the folder lies in the library, or a file changes all the time.
        OSError: a file cannot be read, or the folder has no room.
    """
    home = settings.home.resolve()
    if to.resolve().is_relative_to(home):
        raise BackupError(f"{to} lies in the library; choose a folder on another disk")
    (to / "objects").mkdir(parents=True, exist_ok=True)
    paths = sorted(_files(home))
    check_room(to, sum(_size(path) for path in paths))
    files: dict[str, StoredFile] = {}
    units = list(dict.fromkeys(_unit(path, home) for path in paths))
    for number, unit in enumerate(units, 1):
        stored = _store_unit(unit, home, to)
        files |= {path.relative_to(home).as_posix(): one for path, one in stored.items()}
        on_progress(number, len(units))
    moment = datetime.now(UTC)
    backup = Backup(
        library_version=VERSION, created=moment.isoformat(timespec="seconds"), files=files
    )
    record = to / f"{moment:%Y-%m-%dT%H-%M-%S-%f}.json"
    write_atomic(record, backup.model_dump_json(), is_noted=True)
    return record


def list_backups(folder: Path) -> list[Path]:
    """The backups of a folder, newest first."""
    return sorted(folder.glob("[!.]*.json"), reverse=True)


def read_backup(record: Path) -> Backup:
    """Read what a backup holds.

    Raises:
        BackupError: its record is missing or damaged.
    """
    with reading(record, "choose another backup of the folder", BackupError):
        return Backup.model_validate_json(read_checked(record))


def verify(record: Path, on_progress: Progress = ignore_progress) -> list[str]:
    """Read every content of a backup again; returns what is wrong, a sentence each.

    Raises:
        BackupError: the record of the backup is damaged.
    """
    backup, wrong = read_backup(record), []
    for number, (name, stored) in enumerate(backup.files.items(), 1):
        try:
            with _object(record.parent, stored.sha256).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != stored.sha256:
                    wrong.append(f"{name}: its content has changed in the backup")
        except OSError as error:
            wrong.append(f"{name}: its content cannot be read: {error.strerror}")
        on_progress(number, len(backup.files))
    return wrong


def restore(record: Path, settings: Settings, on_progress: Progress = ignore_progress) -> int:
    """Put a backup into an empty library, whole or not at all; returns how many files it has.

    Args:
        record: <time>.json of the backup.
        settings: name the folder, which must be empty or missing.
        on_progress: called with files done and files in all.

    Raises:
        BackupError: the library is not empty, or the backup is damaged or of a newer version.
        OSError: there is no room.
    """
    backup, home = read_backup(record), settings.home
    if backup.library_version > VERSION:
        raise BackupError(
            f"{record} is of a library of version {backup.library_version}, this HashLens reads "
            f"{VERSION}; use the version of HashLens that made it"
        )
    if home.exists() and any(home.iterdir()):
        raise BackupError(
            f"{home} is not empty; set HASHLENS_HOME to a new folder, or move that one away"
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    check_room(home.parent, sum(stored.size for stored in backup.files.values()))
    work = home.with_name(f".{home.name}.restoring")
    shutil.rmtree(work, ignore_errors=True)
    try:
        for number, (name, stored) in enumerate(backup.files.items(), 1):
            _take_out(record.parent, name, stored, work)
            on_progress(number, len(backup.files))
        work.mkdir(parents=True, exist_ok=True)
        if home.exists():
            home.rmdir()
        work.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return len(backup.files)


def _take_out(folder: Path, name: str, stored: StoredFile, work: Path) -> None:
    target = (work / name).resolve()
    if not target.is_relative_to(work.resolve()):
        raise BackupError(f"the backup has a file outside of the library: {name!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    source = _object(folder, stored.sha256)
    with reading(source, "choose another backup of the folder", BackupError):
        with source.open("rb") as file, target.open("wb") as copy:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != stored.sha256:
            raise ValueError(f"the content of {name} has changed")


def _files(home: Path, *, is_home: bool = True) -> Iterator[Path]:
    """Files that cannot be made again; hidden ones are work in progress, but for the sums."""
    for folder, names, found in os.walk(home):
        place = Path(folder)
        if is_home and place == home:
            names[:] = [name for name in names if name not in _LEFT_OUT]
        names[:] = [name for name in names if not name.startswith(".")]
        for name in found:
            is_kept = name == ".sums" or not name.startswith(".")
            if is_kept and not name.endswith((".lock", ".tmp", ".part")) and name != "heartbeat":
                yield place / name


def _unit(path: Path, home: Path) -> Path:
    """What belongs together: a data set, a run, the features of a backbone; else one file."""
    parts = path.relative_to(home).parts
    return home.joinpath(*parts[:2]) if parts[0] in ("datasets", "runs", "features") else path


def _store_unit(unit: Path, home: Path, to: Path) -> dict[Path, StoredFile]:
    """Copy what belongs together, again where it changes meanwhile.

    A run that is being executed changes all the time; its files are taken as they are, and it
    resumes from them.
    """
    stored: dict[Path, StoredFile] = {}
    for _ in range(_TRIES):
        before = _stamps(unit, home)
        copies = {path: _store(path, to) for path in before}
        stored = {path: copy for path, copy in copies.items() if copy is not None}
        if _stamps(unit, home) == before:
            return stored
    if unit.parent.name == "datasets":
        raise BackupError(f"{unit} changes all the time; stop what changes it and try again")
    return stored


def _stamps(unit: Path, home: Path) -> dict[Path, tuple[int, int, int]]:
    paths = [unit] if unit.is_file() else sorted(_files(unit, is_home=unit == home))
    stamps = {}
    for path in paths:
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue
        stamps[path] = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
    return stamps


def _store(path: Path, to: Path) -> StoredFile | None:
    """Copy one file unless its content is there; None where it is gone."""
    for _ in range(_TRIES):
        try:
            before = path.stat()
            with path.open("rb") as file:
                opened = os.fstat(file.fileno())
                digest, copied = _copied(file, before.st_size, to)
            after = path.stat()
        except FileNotFoundError:
            return None
        is_same = (before.st_ino, before.st_mtime_ns) == (opened.st_ino, opened.st_mtime_ns)
        grew = after.st_ino == opened.st_ino and after.st_size >= before.st_size
        if is_same and copied == before.st_size and (grew or after.st_ino != opened.st_ino):
            return StoredFile(sha256=digest, size=copied)
    raise BackupError(f"{path} changes all the time; stop what writes it and try again")


def _copied(file: BinaryIO, size: int, to: Path) -> tuple[str, int]:
    """Copy the first `size` bytes; their SHA-256, and how many there were."""
    partial = to / "objects" / f".{os.getpid()}.tmp"
    digest, copied = hashlib.sha256(), 0
    try:
        with partial.open("wb") as copy:
            while copied < size and (chunk := file.read(min(_CHUNK, size - copied))):
                digest.update(chunk)
                copy.write(chunk)
                copied += len(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        target = _object(to, digest.hexdigest())
        if not (target.is_file() and target.stat().st_size == copied):
            target.parent.mkdir(exist_ok=True)
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return digest.hexdigest(), copied


def _object(folder: Path, sha256: str) -> Path:
    if not (len(sha256) == 64 and sha256.isalnum()):
        raise BackupError(f"the backup names a content that is no SHA-256: {sha256!r}")
    return folder / "objects" / sha256[:2] / sha256


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
