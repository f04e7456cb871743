"""Run folders: what was asked, what happened, what was measured. See docs/architecture.md.

    runs/<time>_<method>_<dataset>_<bits>b_<digest>/
      spec.json  run.json  history.jsonl  model/  codes/*.npz  report.json  curves.npz

Only the process that executes a run writes into it; it holds `.claim.lock` and touches `heartbeat`.
Others may create `cancel`.
"""

from __future__ import annotations

import json
import math
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from models.codes import HashCodes
from models.method import Cancelled, EpochLog, HashMethod
from models.registry import unknown
from models.storage import load_method, save_method
from pipeline.files import write_atomic
from pipeline.heartbeat import beating, silent_for_s
from pipeline.report import Curves, Evaluation, Report
from pipeline.run_status import RunStatus, provenance
from pipeline.settings import Settings
from pipeline.spec import RunSpec

LOST_AFTER_S = 60.0
_DAMAGED = (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class RunError(ValueError):
    """A run is missing, unfinished or damaged; the message says which and what to do."""


class RunBusy(RunError):  # noqa: N818 - the name says what is wrong
    """Another process executes the run."""


@dataclass(frozen=True)
class Run:
    """One run folder."""

    folder: Path
    spec: RunSpec

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    def status(self) -> RunStatus:
        """The stored status.

        Raises:
            RunError: run.json is damaged.
        """
        try:
            return RunStatus.model_validate_json((self.folder / "run.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"run {self.id} has a damaged run.json: {error}") from error

    def state(self) -> str:
        """The state, or `lost` when it claims to run but has not been heard of for a minute."""
        status = self.status()
        silent_s = silent_for_s(self.folder / "heartbeat")
        silent_s = min(time.time() - status.heartbeat, math.inf if silent_s is None else silent_s)
        is_lost = status.state == "running" and silent_s > LOST_AFTER_S
        return "lost" if is_lost else status.state

    def update(self, **changes: object) -> None:
        """Replace fields of the status, with a fresh heartbeat; for the executing process."""
        merged = self.status().model_dump() | {"heartbeat": time.time()} | changes
        status = RunStatus.model_validate(merged)
        write_atomic(self.folder / "run.json", status.model_dump_json(indent=2), durable=False)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep other processes from executing this run meanwhile.

        Raises:
            RunBusy: one does already.
        """
        try:
            with FileLock(self.folder / ".claim.lock", timeout=0):
                yield
        except Timeout as error:
            raise RunBusy(f"run {self.id} is being executed by another process") from error

    @contextmanager
    def started(self) -> Iterator[None]:
        """Queued -> running -> done, failed or cancelled, with times and error text.

        Raises:
            RunBusy: another process executes it.
            RunError: it is done; a run is repeated as a new one.
        """
        with self.claimed():
            if self.status().state == "done":
                raise RunError(f"run {self.id} is done already; repeat it as a new run")
            with beating(self.folder / "heartbeat"), self._recorded():
                yield

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Write each change of state into run.json."""
        (self.folder / "history.jsonl").unlink(missing_ok=True)
        self.update(
            state="running",
            started=_now(),
            finished="",
            error="",
            **provenance(),
        )
        try:
            yield
        except Cancelled:
            self.update(state="cancelled", finished=_now(), stage="")
            raise
        except BaseException as error:
            text = str(error) or type(error).__name__
            self.update(state="failed", finished=_now(), error=text, stage="")
            raise
        else:
            self.update(state="done", finished=_now(), stage="")
        finally:
            (self.folder / "cancel").unlink(missing_ok=True)  # obeyed, or too late

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name what is going on and store how long it took."""
        self.check_cancelled()
        self.update(stage=name)
        began = time.perf_counter()
        yield
        seconds = round(time.perf_counter() - began, 3)
        self.update(timings={**self.status().timings, name: seconds})

    def check_cancelled(self) -> None:
        """Raise `Cancelled` when someone has asked for it."""
        if (self.folder / "cancel").exists():
            raise Cancelled(f"run {self.id} was cancelled")

    def request_cancel(self) -> None:
        """Ask the executing process to stop at its next sign of progress."""
        (self.folder / "cancel").touch()

    def log_epoch(self, epoch: EpochLog) -> None:
        """Append one epoch to the history and beat the heart; the epoch callback of `fit`."""
        record = {
            "epoch": epoch.epoch,
            "n_epochs": epoch.n_epochs,
            "seconds": round(epoch.seconds, 3),
            "terms": epoch.terms,
        }
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.update()
        self.check_cancelled()

    def history(self) -> list[dict[str, object]]:
        """All complete lines of the history."""
        path = self.folder / "history.jsonl"
        lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def save_codes(self, part: str, codes: HashCodes, rows: NDArray[np.int64]) -> None:
        """Store the codes of `part` (query, database) with their manifest rows: the raw result."""
        (self.folder / "codes").mkdir(exist_ok=True)
        path = self.folder / "codes" / f"{part}.npz"
        partial = path.with_suffix(".tmp.npz")
        np.savez(partial, packed=codes.packed, bits=codes.bits, rows=rows)
        partial.replace(path)

    def load_codes(self, part: str) -> tuple[HashCodes, NDArray[np.int64]]:
        """The codes of `part` and their manifest rows.

        Raises:
            RunError: they are not there or damaged.
        """
        try:
            path = self.folder / "codes" / f"{part}.npz"
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return HashCodes(stored["packed"], int(stored["bits"])), stored["rows"]
        except _DAMAGED as error:
            raise RunError(f"run {self.id} has no usable {part} codes: {error}") from error

    def save_method(self, method: HashMethod) -> None:
        """Store the fitted method."""
        partial = self.folder / "model.tmp"
        shutil.rmtree(partial, ignore_errors=True)
        save_method(method, partial)
        shutil.rmtree(self.folder / "model", ignore_errors=True)
        partial.rename(self.folder / "model")

    def load_method(self) -> HashMethod:
        """The fitted method.

        Raises:
            RunError: it is not there or damaged.
        """
        try:
            return load_method(self.folder / "model")
        except ValueError as error:
            raise RunError(f"run {self.id}: {error}") from error

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Store report and curves."""
        partial = self.folder / "curves.tmp.npz"
        evaluation.curves.save(partial)
        partial.replace(self.folder / "curves.npz")
        write_atomic(self.folder / "report.json", evaluation.report.model_dump_json(indent=2))

    def report(self) -> Report:
        """What was measured.

        Raises:
            RunError: not evaluated yet, or damaged.
        """
        try:
            return Report.model_validate_json((self.folder / "report.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"run {self.id} has no usable report: {error}") from error

    def curves(self) -> Curves:
        """The measured curves.

        Raises:
            RunError: not evaluated yet, or damaged.
        """
        try:
            return Curves.load(self.folder / "curves.npz")
        except _DAMAGED as error:
            raise RunError(f"run {self.id} has no usable curves: {error}") from error

    def check_dataset(self, fingerprint: str, *earlier: str) -> None:
        """Refuse a data set whose images or labels are not those the run was executed on.

        Args:
            fingerprint: of the data set.
            earlier: fingerprints that it had before images were added; their rows come first.

        Raises:
            RunError: they differ; the row numbers that the run stores mean other images now.
        """
        known = self.status().dataset_fingerprint
        if known and known not in (fingerprint, *earlier):
            raise RunError(
                f"run {self.id} was made from other content of {self.spec.dataset!r}, which has "
                "been imported anew since; run it again"
            )


class RunRegistry:
    """All runs of a library."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.runs_path

    def create(self, spec: RunSpec) -> Run:
        """A new queued run."""
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
        name = f"{moment}_{spec.method}_{spec.dataset}_{spec.bits}b_{spec.digest[:4]}"
        work = self.path / f".{uuid4().hex}.new"  # appears whole or not at all
        work.mkdir(parents=True)
        (work / "spec.json").write_text(spec.model_dump_json(indent=2) + "\n", "utf-8")
        status = RunStatus(created=_now(), heartbeat=time.time())
        (work / "run.json").write_text(status.model_dump_json(indent=2) + "\n", "utf-8")
        for number in count(1):
            folder = self.path / (name if number == 1 else f"{name}-{number}")
            try:
                work.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
            else:
                break  # the name was free
        return Run(folder, spec)

    def open(self, run_id: str) -> Run:
        """The run called `run_id`; any unambiguous part of the id will do.

        Raises:
            RunError: no such run, several, or its spec.json or run.json is damaged.
        """
        names = [folder.name for folder in self._folders()]
        matches = [run_id] if run_id in names else [name for name in names if run_id in name]
        if len(matches) != 1 or not run_id:
            reason = "is not unique: " + ", ".join(matches[:5]) if matches else ""
            raise RunError(
                f"run {run_id!r} {reason}" if reason else unknown("run", run_id, tuple(names))
            )
        return self._read(self.path / matches[0])

    def all(self) -> list[Run]:
        """All readable runs, newest first."""
        runs = []
        for folder in reversed(self._folders()):
            try:
                runs.append(self._read(folder))
            except RunError:
                continue
        return runs

    def find(self, spec: RunSpec, dataset_fingerprint: str = "") -> Run | None:
        """The newest finished run of this spec, and of this content of the data set if given."""
        for run in self.all():
            status = run.status()
            is_same = dataset_fingerprint in ("", status.dataset_fingerprint)
            if status.state == "done" and is_same and run.spec.digest == spec.digest:
                return run
        return None

    def delete(self, run: Run) -> None:
        """Remove a run's folder. Its published index is not touched."""
        doomed = run.folder.with_name(f".{run.id}.deleted")
        run.folder.rename(doomed)
        shutil.rmtree(doomed)

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.path.glob("[!.]*") if path.is_dir())

    def _read(self, folder: Path) -> Run:
        try:
            spec = RunSpec.model_validate_json((folder / "spec.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"run {folder.name} has a damaged spec.json: {error}") from error
        run = Run(folder, spec)
        run.status()  # refuse a damaged run.json here, once
        return run


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")  # fine enough to order the queue
