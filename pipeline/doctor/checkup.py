"""Checkup: what a look at a library has found so far, and the record that is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.files import reading, write_atomic
from pipeline.index.store.base import StoreError
from pipeline.settings import Settings
from pipeline.sums import check_sum, read_checked
from pipeline.wording import sentence

State = Literal["open", "repaired", "failed"]
RECORD = "doctor.json"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: of the file or folder, below the library.
        reason: what is wrong.
        todo: what to do, where nothing can be rebuilt; otherwise what the repair does.
        repair: rebuilds or removes it; None: that cannot be done.
    """

    path: str
    reason: str
    todo: str
    repair: Callable[[], object] | None = None


class NotedProblem(BaseModel):
    """A problem as it is kept."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    reason: str
    todo: str
    can_be_repaired: bool
    state: State = "open"


class Record(BaseModel):
    """What the last check found (doctor.json).

    Attributes:
        finished: ISO 8601, UTC.
        n_files: that were read.
        n_bytes: that were read.
        n_without_sum: of those files, written by an earlier version, so that only their form
            could be checked.
        notes: what could not be checked, and why.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    finished: str
    seconds: float
    n_files: int
    n_bytes: int
    n_without_sum: int = 0
    problems: tuple[NotedProblem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_open(self) -> int:
        """Problems that are still there."""
        return sum(problem.state != "repaired" for problem in self.problems)


@dataclass
class Checkup:
    """Problems found so far, and how much was read."""

    settings: Settings
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    n_files: int = 0
    n_bytes: int = 0
    n_without_sum: int = 0
    _seen: set[Path] = field(default_factory=set)

    def is_seen(self, path: Path) -> bool:
        """Whether a file was checked."""
        return path in self._seen

    def add(
        self, path: Path, reason: str, todo: str, repair: Callable[[], object] | None = None
    ) -> None:
        """Note a problem."""
        self.problems.append(Problem(self.name(path), reason, todo, repair))

    def name(self, path: Path) -> str:
        """A path as people see it, below the library."""
        home = self.settings.home
        return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)

    @contextmanager
    def looking_at(
        self, path: Path, todo: str, repair: Callable[[], object] | None = None
    ) -> Iterator[None]:
        """Make a problem of whatever goes wrong in the block, which reads a file or folder.

        Args:
            path: that is read.
            todo: as in `Problem`.
            repair: as in `Problem`.
        """
        self.count(path)
        try:
            with reading(path, todo, _Wrong):
                yield
        except _Wrong as error:
            cause = error.__cause__ or error
            missing = "it is missing"
            reason = missing if isinstance(cause, FileNotFoundError) else first_line(cause)
            self.add(path, reason, todo, repair)
        except (StoreError, ImportError) as error:
            self.add(path, first_line(error), todo, repair)

    def count(self, path: Path) -> None:
        """Count a file as checked."""
        if path not in self._seen and path.is_file():
            self._seen.add(path)
            self.n_files += 1
            self.n_bytes += path.stat().st_size

    def checked_bytes(self, path: Path) -> bytes:
        """The content of a file; one without a sum is counted.

        Raises:
            OSError, ValueError: as `read_checked`.
        """
        content = read_checked(path)
        self.check_sum(path)
        return content

    def check_sum(self, path: Path) -> None:
        """Compare a file with its sum; one without is counted.

        Raises:
            OSError, ValueError: as `sums.check_sum`.
        """
        self.n_without_sum += not check_sum(path)


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """Something is wrong with what was looked at."""


def first_line(error: BaseException) -> str:
    """The message of an error, on one line."""
    text = f"no {error}" if isinstance(error, KeyError) else sentence(error)  # type: ignore[arg-type]
    return (text.strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def stored_record(settings: Settings) -> Record | None:
    """What the last check found; None where there was none, or its record is damaged."""
    try:
        return Record.model_validate_json(read_checked(settings.home / RECORD))
    except (OSError, ValueError):
        return None


def keep_record(record: Record, settings: Settings) -> None:
    """Keep what a check found.

    Raises:
        OSError: it cannot be written.
    """
    write_atomic(settings.home / RECORD, record.model_dump_json(indent=1))
