"""What a benchmark is: cases of a subject, each measured in a process of its own.

A subject names a peer, a well-known way to the same result, and a bound, the least work that the
result takes. Its cases are ours, the peer's and the bound's. `python -m benchmarks SUBJECT` makes
the data of a size once, measures every case and keeps a `Run`; ratios come from cases of one run.
"""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["ours", "peer", "bound"]
Clock = Literal["cpu_s", "wall_s"]
Figures = Mapping[str, float]
Work = Callable[[], Figures | None]
VERSIONS = ("numpy", "torch", "faiss-cpu", "qdrant-edge-py", "streamlit", "pillow", "scikit-learn")
REPEAT_S = 3.0
_ROOT = Path(__file__).resolve().parents[1]


class CaseFailed(RuntimeError):  # noqa: N818 - says what happened
    """The process of a case, or the one that makes its data, did not end well."""


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    Attributes:
        what: its name in the table.
        role: ours, the peer's or the bound's.
        ready: gets size and folder, reads what `Subject.prepare` left, and returns the work. Only
            the work is measured. It may return figures for the row; `count` among them is the
            number of items done.
        group: cases of one group do the same, so ratios are taken within it.
        largest: sizes above it are left out.
        once: whether the work cannot be repeated. Else it is until `REPEAT_S` have passed, and the
            quickest counts, which other programs on the machine disturb least.
    """

    what: str
    role: Role
    ready: Callable[[int, Path], Work]
    group: str = ""
    largest: int | None = None
    once: bool = False


@dataclass(frozen=True)
class Subject:
    """What is measured, and against what.

    Attributes:
        name: of the command and of the document.
        title: heading of the document.
        protocol: what is done, for the document.
        peer: the named peer, and what it does.
        bound: the least work.
        unit: what `count` counts.
        prepare: gets size and folder, and writes what the cases read.
        cases: in the order of the table.
        clock: what the ratios compare: the seconds of the processor, which other programs on the
            machine disturb least, or those that pass, where waiting counts.
    """

    name: str
    title: str
    protocol: str
    peer: str
    bound: str
    unit: str
    prepare: Callable[[int, Path], None]
    cases: tuple[Case, ...]
    clock: Clock = "cpu_s"


class Row(BaseModel):
    """A case, measured.

    Attributes:
        wall_s: seconds of the quickest repetition.
        cpu_s: those of the processor in that repetition, of all threads and of child processes
            that have ended.
        peak_mib: most memory of the process beyond what it had before the work.
        figures: what the case says of itself, by name with unit.
        failed: the last words of a case that failed; its numbers are 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    what: str
    role: Role
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    figures: dict[str, float] = {}
    failed: str = ""


class Run(BaseModel):
    """All cases of a subject at one size, and where they were measured.

    Attributes:
        clock: what ratios compare.
        load: mean number of programs that wanted a core in the minute before and after.
        note: what else is worth knowing, such as other work on the machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    size: int
    protocol: str
    peer: str
    bound: str
    clock: Clock
    threads: int
    date: str
    commit: str
    machine: str
    versions: dict[str, str]
    load: tuple[float, float]
    note: str
    rows: tuple[Row, ...]

    def ratio(self, row: Row, role: Role) -> float | None:
        """Time of the row over that of the first case of this role in its group."""
        others = (r for r in self.rows if (r.group, r.role) == (row.group, role) and not r.failed)
        other = next(others, None)
        if other is None or row.failed:
            return None
        mine, theirs = (getattr(one, self.clock) for one in (row, other))
        return mine / theirs if theirs else None


def run_subject(subject: Subject, size: int, folder: Path, threads: int, note: str) -> Run:
    """Measure every case, each in a process of its own; one that fails is a row that says so.

    Raises:
        CaseFailed: the data could not be made.
    """
    before = os.getloadavg()[0]
    _child(subject, size, folder, threads, "prepare")
    rows = []
    for number, case in enumerate(subject.cases):
        if case.largest is not None and size > case.largest:
            continue
        row = Row(group=case.group, what=case.what, role=case.role)
        try:
            said = _child(subject, size, folder, threads, str(number))
            row = Row.model_validate_json(said.splitlines()[-1])
        except CaseFailed as error:
            row = row.model_copy(update={"failed": str(error)})
        print(f"  {row.wall_s:10.3f} s  {row.what}{row.failed and ': ' + row.failed}", flush=True)
        rows.append(row)
    return Run(
        subject=subject.name,
        size=size,
        protocol=subject.protocol,
        peer=subject.peer,
        bound=subject.bound,
        clock=subject.clock,
        threads=threads,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_commit(),
        machine=_machine(),
        versions={name: version(name) for name in VERSIONS},
        load=(before, os.getloadavg()[0]),
        note=note,
        rows=tuple(rows),
    )


def measured(subject: Subject, number: int, size: int, folder: Path) -> Row:
    """Do the work of a case in this process."""
    case = subject.cases[number]
    work = case.ready(size, folder)
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
    before, rows, started = _memory("VmRSS"), list[Row](), time.perf_counter()
    while not rows or (not case.once and time.perf_counter() - started < REPEAT_S):
        cpu, began = _cpu_s(), time.perf_counter()
        figures = work()
        wall_s, cpu_s = time.perf_counter() - began, _cpu_s() - cpu
        rows.append(
            Row(
                group=case.group,
                what=case.what,
                role=case.role,
                wall_s=wall_s,
                cpu_s=cpu_s,
                figures=dict(figures or {}),
            )
        )
    best = min(rows, key=lambda row: getattr(row, subject.clock))
    return best.model_copy(update={"peak_mib": max(0.0, _memory("VmHWM") - before)})


def _child(subject: Subject, size: int, folder: Path, threads: int, step: str) -> str:
    """What a step of the subject prints, in a process that computes with so many threads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "HASHLENS_THREADS")
    command = [sys.executable, "-m", "benchmarks", subject.name, "--step", step]
    ended = subprocess.run(
        [*command, "--sizes", str(size), "--folder", str(folder)],
        cwd=_ROOT,
        env={**os.environ, **dict.fromkeys(names, str(threads))},
        check=False,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        words = ended.stderr.strip().splitlines() or [f"ended with {ended.returncode}"]
        raise CaseFailed(words[-1][:200])
    return ended.stdout


def _cpu_s() -> float:
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system


def _memory(what: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at most so far; 0 where the system does not say."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("utf-8").splitlines():
            if line.startswith(what):
                return int(line.split()[1]) / 1024
    return 0.0


def _machine() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        name = next(line for line in lines if line.startswith("model name")).split(": ")[1]
        return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def _commit() -> str:
    """The commit that is measured, and whether anything but results differs from it."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=_ROOT, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    unmeasured = (":!benchmarks/results", ":!docs")
    with suppress(OSError, subprocess.CalledProcessError):
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *unmeasured)
        return git("rev-parse", "--short", "HEAD") + ("-changed" if changed else "")
    return "no git"
