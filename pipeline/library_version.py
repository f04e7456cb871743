"""The version of a data folder: written once, raised by migrations, refused when it is newer.

version.json   {"version": 1}; a folder without it is of version 0, from before there was one
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from filelock import FileLock

from pipeline.files import reading, write_atomic
from pipeline.settings import Settings

VERSION = 1
_NAME = "version.json"
_log = logging.getLogger(__name__)
# What makes a folder of this version one of the next. Version 1 added sums, which are noted as
# files are written: nothing that is stored has to change.
MIGRATIONS: dict[int, Callable[[Settings], None]] = {0: lambda settings: None}


class LibraryVersion(ValueError):  # noqa: N818 - says what is wrong
    """A data folder is of a version that this program does not know."""


def check_version(settings: Settings) -> None:
    """Bring the data folder to the version of this program; a missing folder is left alone.

    Raises:
        LibraryVersion: it is of a newer version, or its version cannot be read.
        OSError: it must be migrated and cannot be written.
    """
    if not settings.home.is_dir():
        return
    found = read_version(settings)
    if found == VERSION:
        return
    if found > VERSION:
        raise LibraryVersion(
            f"{settings.home} is a library of version {found}, this HashLens reads {VERSION}; use "
            "a newer HashLens, or set HASHLENS_HOME to another folder"
        )
    try:
        with FileLock(settings.home / ".version.lock"):
            for number in range(read_version(settings), VERSION):
                MIGRATIONS[number](settings)
                write_atomic(settings.home / _NAME, json.dumps({"version": number + 1}))
    except OSError as error:
        if found:
            raise
        # a folder of version 0 is read as it is, also where it cannot be written
        _log.debug("the version of %s was not noted: %s", settings.home, error)


def read_version(settings: Settings) -> int:
    """The version of the data folder; 0 where it does not say.

    Raises:
        LibraryVersion: version.json is damaged.
    """
    path = settings.home / _NAME
    if not path.exists():
        return 0
    with reading(path, f'write {{"version": {VERSION}}} into it', LibraryVersion):
        return int(json.loads(path.read_text("utf-8"))["version"])
