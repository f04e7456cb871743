"""Run folders: what was asked, what happened, what was measured. See docs/architecture.md.

    runs/<time>_<method>_<dataset>_<bits>b_<digest>/
      spec.json  run.json  history.jsonl  log.txt  model/  codes/*.npz  report.json  curves.npz

Only who holds `.claim.lock` writes into a run; whoever executes it also touches `heartbeat`. Others
may make `stop`. While it trains there is a `checkpoint`, from which a run that was stopped or
killed resumes.
"""

from __future__ import annotations

import json
import logging
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock, Timeout

from models.errors import Cancelled
from models.wording import unknown
from pipeline import jobs
from pipeline.files import ParsedFiles, write_atomic
from pipeline.jobs import HEARTBEAT, LOST_AFTER_S, beating, is_silent
from pipeline.runs.log import logging_to
from pipeline.runs.results import RunError, RunResults
from pipeline.runs.spec import RunSpec, StoredSpec
from pipeline.runs.status import RunStatus, error_text, provenance, resident_mb
from pipeline.settings import Settings
from pipeline.wording import sentence

if TYPE_CHECKING:  # torch, which lists of runs do without
    from models.method import EpochLog
    from pipeline.runs.checkpoints import FolderCheckpoints

__all__ = ["MOST_ATTEMPTS", "Run", "RunBusy", "RunError", "RunRegistry"]

MOST_ATTEMPTS = 10  # a run that kills its process again and again must end some time
_SPECS = ParsedFiles(StoredSpec.model_validate_json)
_log = logging.getLogger(__name__)


class RunBusy(RunError):  # noqa: N818 - the name says what is wrong
    """Another process executes the run."""


@dataclass(frozen=True)
class Run(RunResults):
    """One run folder."""

    def state(self) -> str:
        """The state, or `lost` when it claims to run but has not been heard of for long."""
        status = self.status()
        is_late = status.state == "running" and time.time() - status.heartbeat > LOST_AFTER_S
        return "lost" if is_late and is_silent(self.folder / HEARTBEAT) else status.state

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
    def started(self, *, only_queued: bool = False) -> Iterator[None]:
        """Queued -> running -> done, failed or cancelled, with times, log and error text.

        Args:
            only_queued: leave the run alone when another process was faster.

        Raises:
            RunBusy: another process executes it, or has done so.
            RunError: it is done; a run is repeated as a new one.
        """
        with self.claimed():
            state = self.status().state
            if only_queued and state != "queued":
                raise RunBusy(f"run {self.id} is {state}, not queued any more")
            if state == "done":
                raise RunError(f"run {self.id} is done already; repeat it as a new run")
            with beating(self.folder / HEARTBEAT), self._recorded():
                yield

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Write each change of state into run.json, and the story into log.txt."""
        epoch = self.checkpoints().epoch()
        self.cut_history(epoch)
        facts = provenance() | {"attempts": self.status().attempts + 1, "started": _now()}
        self.update(state="running", finished="", error="", done=0, total=0, **facts)
        with logging_to(self.folder) as log:
            log.info(
                "started, attempt %d%s", facts["attempts"], f", from epoch {epoch}" * (epoch > 0)
            )
            try:
                yield
            except (Cancelled, KeyboardInterrupt):
                log.info("stopped on request")
                self.update(state="cancelled", finished=_now(), stage="")
                raise
            except BaseException as error:
                log.error("failed", exc_info=True)
                self.fail(error)
                raise
            else:
                (self.folder / "checkpoint").unlink(missing_ok=True)
                self.update(state="done", finished=_now(), stage="")
                log.info("done")
            finally:
                jobs.forget_stop(self.folder)  # obeyed, or too late

    def checkpoints(self) -> FolderCheckpoints:
        """Where its training is kept until it is done."""
        from pipeline.runs.checkpoints import FolderCheckpoints

        return FolderCheckpoints(self.folder / "checkpoint")

    def fail(self, error: BaseException) -> None:
        """End it with the reason; for the executing process."""
        self.update(state="failed", finished=_now(), error=error_text(error), stage="")

    def requeue(self) -> None:
        """Queue it once more after it was stopped, failed or lost; it goes on where it was.

        Raises:
            RunBusy: a process executes it.
            RunError: it is done.
        """
        with self.claimed():
            if self.status().state == "done":
                raise RunError(f"run {self.id} is done already; repeat it as a new run")
            jobs.forget_stop(self.folder)
            self.update(state="queued", error="", finished="", stage="", attempts=0)

    def recover(self) -> bool:
        """Queue it once more if its process was killed; says whether it did.

        On the same host the claim of a dead process is free at once. Elsewhere, where locks may
        not be shared, its heart must have been silent for as long.
        """
        status = self.status()
        if status.state != "running":
            return False
        try:
            with self.claimed():
                is_dead = status.host == platform.node() or self.state() == "lost"
                if not is_dead or self.status().state != "running":
                    return False
                if status.attempts >= MOST_ATTEMPTS:
                    text = f"the process that executed it was killed {status.attempts} times"
                    self.update(state="failed", error=text, finished=_now(), stage="")
                    return False
                self.update(state="queued", stage="")
        except RunBusy:
            return False  # silent, but alive
        _log.warning("run %s: its process was killed; it is queued again", self.id)
        return True

    @contextmanager
    def stage(self, name: str, earlier_s: float = 0.0) -> Iterator[None]:
        """Name what is going on and store how long it took, with `earlier_s` of another attempt."""
        self.check_stop()
        self.update(stage=name, done=0, total=0)
        began = time.perf_counter()
        _log.info("%s", name)
        yield
        seconds = round(time.perf_counter() - began + earlier_s, 3)
        status = self.status()
        self.update(
            timings={**status.timings, name: seconds},
            memory_mb=max(status.memory_mb, resident_mb()),
        )

    def check_stop(self) -> None:
        """Raise `Cancelled` when someone has asked for it."""
        jobs.check_stop(self.folder, f"run {self.id}")

    def request_stop(self) -> None:
        """Ask the executing process to stop at its next sign of progress."""
        jobs.request_stop(self.folder)

    def is_stopping(self) -> bool:
        """Whether someone has asked for it."""
        return jobs.is_stopping(self.folder)

    def stop(self) -> None:
        """Take it out of the queue, or ask the executing process to stop."""
        with suppress(RunBusy), self.claimed():
            if self.status().state == "queued":
                return self.update(state="cancelled", finished=_now())
        return self.request_stop()

    def log_epoch(self, epoch: EpochLog, **measured: float) -> None:
        """Append one epoch to the history and beat the heart; the epoch callback of `fit`.

        Args:
            epoch: what the method says.
            measured: what the pipeline adds, for example `validation_map`.
        """
        record = {
            "epoch": epoch.epoch,
            "n_epochs": epoch.n_epochs,
            "seconds": round(epoch.seconds, 3),
            "terms": epoch.terms,
            **measured,
        }
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.update(memory_mb=max(self.status().memory_mb, resident_mb()))
        self.check_stop()

    def adopt_dataset(self, fingerprint: str) -> None:
        """Note the content that the run is executed on; a checkpoint of other content goes."""
        if self.status().dataset_fingerprint not in ("", fingerprint):
            (self.folder / "checkpoint").unlink(missing_ok=True)
            self.cut_history(0)
        self.update(dataset_fingerprint=fingerprint)


class RunRegistry:
    """All runs of a library."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.runs_path

    def create(self, spec: RunSpec, sweep: str = "") -> Run:
        """A new queued run, with the name of the sweep that it belongs to."""
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
        name = f"{moment}_{spec.method}_{spec.dataset}_{spec.bits}b_{spec.digest[:4]}"
        work = self.path / f".{uuid4().hex}.new"  # appears whole or not at all
        work.mkdir(parents=True)
        (work / "spec.json").write_text(spec.model_dump_json(indent=2) + "\n", "utf-8")
        status = RunStatus(created=_now(), heartbeat=time.time(), sweep=sweep)
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
        return self._read(folder)

    def open(self, run_id: str) -> Run:
        """The run called `run_id`; any unambiguous part of the id will do.

        Raises:
            RunError: no such run, several, or its spec.json or run.json is damaged.
        """
        exact = self.path / run_id
        if run_id[:1] not in ("", ".") and exact.parent == self.path and exact.is_dir():
            return self._read(exact)  # without a look at all the others
        names = [folder.name for folder in self._folders()]
        matches = [name for name in names if run_id in name]
        if len(matches) != 1 or not run_id:
            if matches:
                raise RunError(f"run {run_id!r} is not unique: {', '.join(matches[:5])}")
            raise RunError(unknown("run", run_id, tuple(names)))
        return self._read(self.path / matches[0])

    def all(self) -> list[Run]:
        """All readable runs, newest first; `unreadable` has the others."""
        runs = []
        for folder in reversed(self._folders()):
            with suppress(RunError):
                runs.append(self._read(folder))
        return runs

    def unreadable(self) -> dict[str, str]:
        """Why a run, or the report that it has, cannot be read, by the run's id; newest first."""
        found = {}
        for folder in reversed(self._folders()):
            try:
                run = self._read(folder)
                if (folder / "report.json").exists():
                    run.report()
            except RunError as error:
                if folder.exists():  # else it was deleted meanwhile
                    found[folder.name] = str(error)
        return found

    def finished(self, dataset_fingerprint: str = "") -> dict[str, Run]:
        """The newest finished run of each spec, by the spec's digest.

        Args:
            dataset_fingerprint: count only runs on this content of the data set; empty: on any.
        """
        found: dict[str, Run] = {}
        for run in self.all():
            status = run.status()
            if status.state == "done" and dataset_fingerprint in ("", status.dataset_fingerprint):
                found.setdefault(run.spec.digest, run)
        return found

    def find(self, spec: RunSpec, dataset_fingerprint: str = "") -> Run | None:
        """The newest finished run of this spec, and of this content of the data set if given."""
        return self.finished(dataset_fingerprint).get(spec.digest)

    def delete(self, run: Run) -> None:
        """Remove a run's folder. Its published index is not touched.

        Raises:
            RunBusy: a process executes it; stop it first.
        """
        with run.claimed():
            pass
        doomed = run.folder.with_name(f".{run.id}.deleted")
        run.folder.rename(doomed)
        shutil.rmtree(doomed)

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.path.glob("[!.]*") if path.is_dir())

    def _read(self, folder: Path) -> Run:
        try:
            stored = _SPECS.read(folder / "spec.json")
        except (OSError, ValueError) as error:
            reason = sentence(error)
            raise RunError(f"run {folder.name} has a damaged spec.json: {reason}") from error
        run = Run(folder, stored)
        run.status()  # refuse a damaged run.json here, once
        return run


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")  # fine enough to order the queue
