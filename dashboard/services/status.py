"""The state of store, indexes, data sets, disk, worker and versions, each with its remedy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Literal

from dashboard.services.run_choices import IndexState, index_state
from pipeline.datasets.damaged import damaged_datasets
from pipeline.datasets.dataset import DatasetInfo, list_datasets
from pipeline.devices import device_of, device_title
from pipeline.doctor.checkup import Record, stored_record
from pipeline.doctor.glance import damaged_files
from pipeline.images import MAX_PIXELS
from pipeline.index.publish import read_index
from pipeline.index.store.base import CodeStore, StoreError
from pipeline.index.store.cluster import Server, Spread, version_problem
from pipeline.index.store.qdrant import QdrantCodeStore
from pipeline.index.store.qdrant_errors import address_of
from pipeline.jobs import LOST_AFTER_S
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from pipeline.stored_features import damaged_features
from pipeline.wording import COMMAND, duration, plural, sentence
from pipeline.worker import heartbeat_age_s

Level = Literal["good", "idle", "warning", "problem"]
_DOCTOR = f"{COMMAND} doctor"
_MOST_LINES = 8  # that are told of things of one kind
_PACKAGES = ("streamlit", "torch", "qdrant-client", "altair")
_FOLDERS = ("datasets", "features", "runs", "index", "thumbs")


@dataclass(frozen=True)
class Line:
    """One thing, how it is, and what to do about it.

    Attributes:
        name: of the thing.
        level: how it is.
        state: the same in words.
        remedy: what to do, a sentence; empty for nothing.
        command: that does the same; empty for none.
        waits_for_worker: what waits for a worker that is not there, in words; empty for nothing.
    """

    name: str
    level: Level
    state: str
    remedy: str = ""
    command: str = ""
    waits_for_worker: str = ""


@dataclass(frozen=True)
class PublishedIndex:
    """A published run, whether its index answers, and how a server keeps it on its nodes."""

    run: str
    label: str
    collection: str
    state: IndexState
    spread: Spread | None


@dataclass(frozen=True)
class Overview:
    """All that the status page shows."""

    lines: tuple[Line, ...]
    indexes: tuple[PublishedIndex, ...]
    datasets: tuple[DatasetInfo, ...]
    disk: tuple[tuple[str, int], ...]  # folder, bytes
    limits: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]


def read_overview(settings: Settings, store: CodeStore) -> Overview:
    """Look at everything once."""
    indexes = tuple(_indexes(settings, store))
    return Overview(
        lines=(
            _store_line(settings, store),
            _index_line(indexes),
            datasets_line(len(list_datasets(settings)), damaged_datasets(settings)),
            runs_line(len(RunRegistry(settings).all()), damaged_runs(settings)),
            worker_line(heartbeat_age_s(settings), _n_queued(settings)),
            doctor_line(stored_record(settings), damage(settings)),
            _device_line(settings),
        ),
        indexes=indexes,
        datasets=tuple(list_datasets(settings)),
        disk=tuple((name, folder_size(settings.home / name)) for name in _FOLDERS),
        limits=_limits(),
        versions=(
            ("Python", sys.version.split()[0]),
            *((name, version(name)) for name in _PACKAGES),
        ),
    )


def worker_line(age_s: float | None, n_queued: int) -> Line:
    """Whether someone executes queued runs."""
    if age_s is not None and age_s < LOST_AFTER_S:
        return Line("Worker", "good", f"running, last heartbeat {duration(age_s)} ago")
    last = "no heartbeat" if age_s is None else f"last heartbeat {duration(age_s)} ago"
    if n_queued:
        waits = f"{plural(n_queued, 'run')} {'is' if n_queued == 1 else 'are'} waiting for a worker"
        return Line("Worker", "warning", f"not running ({last})", waits_for_worker=waits)
    return Line("Worker", "idle", f"not running, nothing is queued ({last})")


def runs_line(n_readable: int, unreadable: Mapping[str, str]) -> Line:
    """How many runs there are, and which cannot be read."""
    state = plural(n_readable, "run")
    if not unreadable:
        return Line("Runs", "good" if n_readable else "idle", state)
    state += f", and {len(unreadable)} that cannot be read in full: {', '.join(unreadable)}"
    return Line("Runs", "warning", state, _first(unreadable.values()))


def datasets_line(n_readable: int, damaged: Mapping[str, str]) -> Line:
    """How many data sets there are, and which cannot be read."""
    state = plural(n_readable, "data set")
    if not damaged:
        return Line("Data sets", "good" if n_readable else "idle", state)
    state += f", and {len(damaged)} that cannot be read: {', '.join(damaged)}"
    return Line("Data sets", "problem", state, _first(damaged.values()))


def _first(lines: Collection[str]) -> str:
    """The first few, a line each."""
    more = [f"and {len(lines) - _MOST_LINES:,} more"] * (len(lines) > _MOST_LINES)
    return "\n".join([*islice(lines, _MOST_LINES), *more])


def damaged_runs(settings: Settings) -> dict[str, str]:
    """Why a run cannot be read in full, by its id."""
    registry = RunRegistry(settings)
    return registry.incomplete() | registry.unreadable()


def damage(settings: Settings) -> list[str]:
    """What of a library cannot be read, each as a file below it and how it is."""
    reasons = [
        *damaged_datasets(settings).values(),
        *damaged_features(settings).values(),
        *damaged_runs(settings).values(),
    ]
    told = [re.split(r" [(]|; ", reason.replace(f"{settings.home}/", ""))[0] for reason in reasons]
    changed = (path.relative_to(settings.home) for path in damaged_files(settings))
    return list(dict.fromkeys([*told, *(f"{path.as_posix()} is damaged" for path in changed)]))


def doctor_line(record: Record | None, damage: Collection[str] = ()) -> Line:
    """What a glance finds wrong; where it finds nothing, what the last check of all files found."""
    if damage:
        state = f"{plural(len(damage), 'file')} cannot be read"
        return Line("Stored files", "problem", state, _first(damage), f"{_DOCTOR} --repair")
    if record is None:
        state = "the stored files have not been checked yet"
        return Line("Stored files", "idle", state, command=_DOCTOR)
    read = f"{plural(record.n_files, 'file')} on {record.finished[:16].replace('T', ' ')} UTC"
    if not record.n_open:
        return Line("Stored files", "good", f"checked {read}, nothing is wrong")
    first = next(problem for problem in record.problems if problem.state != "repaired")
    state = f"checked {read}, {plural(record.n_open, 'problem')} left"
    remedy = f"{first.path}: {first.reason}; {first.todo}."
    can_repair = any(one.can_be_repaired and one.state == "open" for one in record.problems)
    return Line("Stored files", "problem", state, remedy, _DOCTOR + " --repair" * can_repair)


def _device_line(settings: Settings) -> Line:
    """Where networks compute."""
    threads = f"{plural(settings.threads, 'thread')} of the CPU"
    try:
        device = device_title(device_of(settings))
    except ValueError as error:
        return Line("Device", "problem", sentence(error))
    if device == "cpu":
        return Line("Device", "good", f"CPU, {plural(settings.threads, 'thread')}")
    half = ", features in float16" if settings.half_precision else ""
    return Line("Device", "good", f"{device}{half}, and {threads}")


def folder_size(path: Path) -> int:
    """Bytes that the files below `path` take on the disk; the store's files are mostly holes."""
    return sum(_allocated(file.stat()) for file in path.rglob("*") if file.is_file())


def _allocated(facts: os.stat_result) -> int:
    return facts.st_blocks * 512 if hasattr(facts, "st_blocks") else facts.st_size


def _store_line(settings: Settings, store: CodeStore) -> Line:
    where = (
        f"Qdrant server at {address_of(settings.qdrant_url)}"
        if settings.qdrant_url
        else f"embedded, in {settings.index_path}"
    )
    try:
        n = len(store.collections())
    except StoreError as error:
        return Line("Store", "problem", f"{where}: {error}", "Searches use the runs' code files.")
    server, state, remedy = _server(store), f"{where}, {plural(n, 'collection')}", ""
    if server:
        nodes, version_ = server.nodes(), server.version()
        state += f", version {version_}" * bool(version_) + f", {nodes}" * bool(nodes)
        problem = version_problem(version_)
        remedies = [f"{problem[0].upper()}{problem[1:]}."] if problem else []
        if nodes and nodes.answering < nodes.total:
            remedies.append("Start the nodes that do not answer: their copies are missing.")
        remedy = "\n".join(remedies)
    return Line("Store", "warning" if remedy else "good", state, remedy)


def _server(store: CodeStore) -> Server | None:
    return store.server if isinstance(store, QdrantCodeStore) else None


def _index_line(indexes: tuple[PublishedIndex, ...]) -> Line:
    if not indexes:
        command = f"{COMMAND} index publish RUN"
        return Line("Indexes", "idle", "no run is published", "Publish one on Runs.", command)
    broken = [index for index in indexes if index.state.kind != "ready"]
    if broken:
        state = f"{len(broken)} of {len(indexes)} cannot be used"
        return Line("Indexes", "problem", state, broken[0].state.reason)
    codes = sum(index.state.count for index in indexes)
    return Line("Indexes", "good", f"{len(indexes)} live, {codes:,} codes")


def _indexes(settings: Settings, store: CodeStore) -> list[PublishedIndex]:
    indexes, server = [], _server(store)
    for run in RunRegistry(settings).all():
        record = read_index(run)
        if record is not None:
            state = index_state(run, store)
            spread = None
            if server and state.kind == "ready":
                spread = server.spread(record.collection)
            name = record.collection
            indexes.append(PublishedIndex(run.id, run.spec.label, name, state, spread))
    return indexes


def _n_queued(settings: Settings) -> int:
    n_queued = 0
    for run in RunRegistry(settings).all():
        try:
            n_queued += run.state() == "queued"
        except RunError:
            continue
    return n_queued


def _limits() -> tuple[tuple[str, str], ...]:
    return (
        ("Maximum pixels per image", f"{MAX_PIXELS / 1e6:.0f} million"),
        ("A silent worker, run or import is considered lost after", duration(LOST_AFTER_S)),
        (
            "A query is unusual when",
            "its nearest image is farther away than for 99 of 100 stored queries",
        ),
    )
