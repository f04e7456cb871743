"""Reports in the library: several of a data set, each a file of its own, with its last change.

A report grows over days and in several tabs, and must survive a reload, another browser and the end
of the server.

    reports/<data set>.json          the first report, and the only one of earlier versions
    reports/<data set>.<id>.json     further ones
    reports/<...>.undo.json          what a report was before its last change
    reports/<...>.deleted.json       the report deleted last
    reports/<...>.kept-<time>.json   what could not be read in full, before it was written over
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from dashboard.services.report_basket import Basket, Change
from pipeline.files import write_atomic
from pipeline.settings import Settings
from pipeline.sums import move, remove
from pipeline.wording import sentence

FIRST = "first"
UNTITLED = "Untitled report"
_ID = "[0-9a-f]{12}"
_UNDO, _DELETED = ".undo.json", ".deleted.json"


class OvertakenError(ValueError):
    """Another tab has changed the report meanwhile; the message says so."""


@dataclass(frozen=True)
class StoredBasket:
    """A basket as it could be read.

    Attributes:
        basket: what could be read; empty where there is none.
        problem: what could not be read of its file, in a sentence; empty where all could.
        kept: files of earlier states that could not be read in full, which nothing overwrites.
    """

    basket: Basket
    problem: str = ""
    kept: tuple[Path, ...] = ()


@dataclass(frozen=True)
class LastChange:
    """The change that can be undone, or done again.

    Attributes:
        report: id of the report that it changed.
        what: it did, to stand after *Undo*.
        is_undone: whether it is undone by now, and can be done again.
        path: file that holds the other state.
        stamp: of that file; another one means another change.
    """

    report: str
    what: str
    is_undone: bool
    path: Path
    stamp: int


class _Past(BaseModel):
    """The other side of the last change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    is_undone: bool
    basket: Basket


def list_reports(settings: Settings, dataset: str) -> dict[str, str]:
    """Titles of the reports of a data set by id, the one changed last first."""
    found: dict[str, tuple[int, str]] = {}
    for report, path in _reports(settings, dataset):
        with suppress(OSError):  # deleted a moment ago
            found[report] = path.stat().st_mtime_ns, _title(path)
    newest = sorted(found, key=lambda report: found[report][0], reverse=True)
    return {report: found[report][1] for report in newest}


def create_report(settings: Settings, dataset: str, title: str) -> str:
    """Begin an empty report and return its id.

    Raises:
        OSError: the library cannot be written.
    """
    report = uuid4().hex[:12]
    with _locked(settings, dataset):
        _write(_path(settings, dataset, report), Basket(title=title))
    return report


def delete_report(settings: Settings, dataset: str, report: str) -> None:
    """Delete a report; until another one is deleted it can be brought back.

    Raises:
        OSError: the library cannot be written.
    """
    path = _path(settings, dataset, report)
    with _locked(settings, dataset):
        for older in _of_dataset(settings, dataset, _DELETED):
            remove(older)
        deleted = path.with_name(path.stem + _DELETED)
        move(path, deleted)
        _touch(deleted)
        remove(path.with_name(path.stem + _UNDO))


def read_basket(settings: Settings, dataset: str, report: str = FIRST) -> StoredBasket:
    """A report of a data set, and what of it cannot be read."""
    path = _path(settings, dataset, report)
    kept = tuple(sorted(path.parent.glob(f"{path.stem}.kept-*.json")))
    try:
        return StoredBasket(*_read(path), kept)
    except OSError as error:
        return StoredBasket(Basket(), str(error), kept)


def change(settings: Settings, dataset: str, how: Change, report: str = FIRST) -> Basket:
    """Read, change and write in one step, so that no tab overwrites what another one did.

    A file that cannot be read in full, as it is damaged or of another version, is kept aside.

    Raises:
        OSError: the library cannot be written, or the basket is there and cannot be opened.
    """
    path = _path(settings, dataset, report)
    with _locked(settings, dataset):
        before, problem = _read(path)
        after = how.apply(before)
        if after == before:
            return before
        _set_aside(path, problem)
        past = _Past(what=how.what, is_undone=False, basket=before)
        _write(path.with_name(path.stem + _UNDO), past)
        _write(path, after)
    return after


def last_change(settings: Settings, dataset: str, report: str) -> LastChange | None:
    """What can be undone: the last change of a report, or the deletion of another one after it."""
    path = _path(settings, dataset, report)
    undo = path.with_name(path.stem + _UNDO)
    newest: LastChange | None = None
    with suppress(OSError, ValueError):  # there is none, or it is damaged
        past = _Past.model_validate_json(undo.read_bytes())
        newest = LastChange(report, past.what, past.is_undone, undo, undo.stat().st_mtime_ns)
    for deleted in _of_dataset(settings, dataset, _DELETED):
        with suppress(OSError):
            stamp = deleted.stat().st_mtime_ns
            if newest is None or stamp > newest.stamp:
                name = deleted.name.removesuffix(_DELETED)
                gone = name.removeprefix(dataset).removeprefix(".") or FIRST
                newest = LastChange(gone, f"delete “{_title(deleted)}”", False, deleted, stamp)
    return newest


def undo(settings: Settings, dataset: str, last: LastChange) -> str:
    """Take a change back, or do it again, and return the id of the report that it was in.

    Raises:
        OvertakenError: there has been another change since.
        OSError: the library cannot be written.
    """
    path = _path(settings, dataset, last.report)
    with _locked(settings, dataset):
        try:
            is_same = last.path.stat().st_mtime_ns == last.stamp
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise OvertakenError("the report has been changed since, in another tab")
        if last.path.name.endswith(_DELETED):
            report = uuid4().hex[:12] if path.exists() else last.report
            path = _path(settings, dataset, report)
            move(last.path, path)
            _touch(path)
            return report
        past = _Past.model_validate_json(last.path.read_bytes())
        now, problem = _read(path)
        _set_aside(path, problem)
        other = past.model_copy(update={"is_undone": not past.is_undone, "basket": now})
        _write(last.path, other)
        _write(path, past.basket)
    return last.report


def _read(path: Path) -> tuple[Basket, str]:
    """What can be read of a basket, and what cannot."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Basket(), ""
    try:
        return Basket.model_validate_json(content), ""
    except ValueError as error:
        problem = f"{path} cannot be read in full: {sentence(error)}"
    try:
        return Basket.model_validate_json(content, extra="ignore"), problem
    except ValueError:
        return Basket(), problem


def _set_aside(path: Path, problem: str) -> None:
    """Keep a file under another name where it could not be read in full."""
    if problem:
        path.rename(path.with_name(f"{path.stem}.kept-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.json"))


def _write(path: Path, content: BaseModel) -> None:
    write_atomic(path, content.model_dump_json(indent=1))
    _touch(path)


def _touch(path: Path) -> None:
    """Set the time of a change exactly; file systems round it to some milliseconds."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def _title(path: Path) -> str:
    try:
        title = json.loads(path.read_bytes()).get("title")
    except (OSError, ValueError, AttributeError):
        title = ""
    return str(title or UNTITLED)


def _reports(settings: Settings, dataset: str) -> Iterator[tuple[str, Path]]:
    """Ids and files of the reports of a data set."""
    pattern = re.compile(rf"{re.escape(dataset)}(?:\.({_ID}))?\.json")
    for path in _folder(settings).glob(f"{dataset}*.json"):
        if match := pattern.fullmatch(path.name):
            yield match[1] or FIRST, path


def _of_dataset(settings: Settings, dataset: str, suffix: str) -> list[Path]:
    pattern = re.compile(rf"{re.escape(dataset)}(?:\.{_ID})?{re.escape(suffix)}")
    paths = _folder(settings).glob(f"{dataset}*{suffix}")
    return [path for path in paths if pattern.fullmatch(path.name)]


def _path(settings: Settings, dataset: str, report: str) -> Path:
    if report != FIRST and not re.fullmatch(_ID, report):
        raise ValueError(f"{report!r} is not the id of a report")
    return _folder(settings) / (
        f"{dataset}.json" if report == FIRST else f"{dataset}.{report}.json"
    )


def _folder(settings: Settings) -> Path:
    return settings.home / "reports"


def _locked(settings: Settings, dataset: str) -> FileLock:
    """One writer at a time; the folder is there by then."""
    _folder(settings).mkdir(parents=True, exist_ok=True)
    return FileLock(_folder(settings) / f"{dataset}.lock")
