"""Run folders: what was asked, what happened, what was measured. See docs/architecture.md.

    runs/<time>_<method>_<dataset>_<bits>b_<digest>/
      spec.json  run.json  history.jsonl  log.txt  model/  codes/*.npz  report*.json  curves*.npz

Only who holds `.claim.lock` writes into a run; whoever executes it also touches `heartbeat`. Others
may make `stop`. While it trains there is a `checkpoint`, from which a run that was stopped or
killed resumes.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

from models.wording import unknown
from pipeline.files import ParsedFiles, parsed, reading, write_atomic, written
from pipeline.runs.control import now_utc
from pipeline.runs.results import DELETE, RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec, StoredSpec
from pipeline.runs.status import RunStatus
from pipeline.settings import Settings

_SPECS = ParsedFiles(parsed(StoredSpec.model_validate_json))


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
        with written(work):
            self._fill(work, spec, sweep)
        return self._named(work, name)

    def _fill(self, work: Path, spec: RunSpec, sweep: str) -> None:
        write_atomic(work / "spec.json", spec.model_dump_json(indent=2) + "\n")
        status = RunStatus(created=now_utc(), heartbeat=time.time(), sweep=sweep)
        (work / "run.json").write_text(status.model_dump_json(indent=2) + "\n", "utf-8")

    def _named(self, work: Path, name: str) -> Run:
        """Give a folder the first free name."""
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
        with suppress(OSError):  # of a name that is too long for a file
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
        reasons = {}
        for folder in reversed(self._folders()):
            try:
                run = self._read(folder)
                for measurement in run.measurements:
                    run.report(*measurement)
            except RunError as error:
                if folder.exists():  # else it was deleted meanwhile
                    reasons[folder.name] = str(error)
        return reasons

    def incomplete(self) -> dict[str, str]:
        """Which file a finished run lacks, in a sentence, by the run's id; newest first."""
        reasons = {}
        for run in self.all():
            try:
                run.check_files()
            except RunError as error:
                if run.folder.exists():
                    reasons[run.id] = str(error)
        return reasons

    def finished(self, *fingerprints: str) -> dict[str, Run]:
        """The newest finished run of each spec, by the spec's digest.

        Args:
            fingerprints: count only runs on such content of the data set; none: on any.
        """
        newest: dict[str, Run] = {}
        for run in self.all():
            status = run.status()
            is_on_it = not fingerprints or status.dataset_fingerprint in fingerprints
            if status.state == "done" and is_on_it:
                newest.setdefault(run.spec.digest, run)
        return newest

    def find(self, spec: RunSpec, *fingerprints: str) -> Run | None:
        """The newest finished run of this spec, and of this content of the data set if given."""
        return self.finished(*fingerprints).get(spec.digest)

    def delete(self, run: Run) -> None:
        """Remove a run's folder. Its published index is not touched.

        Raises:
            RunBusy: a process executes it; stop it first.
        """
        with run.claimed():
            pass
        self._remove(run.folder)

    def is_damaged(self, run_id: str) -> bool:
        """Whether there is a run with exactly this id that cannot be opened."""
        folder = self.path / run_id
        if folder not in self._folders():
            return False
        try:
            self._read(folder)
        except RunError:
            return True
        return False

    def discard(self, run_id: str) -> None:
        """Remove the folder of a run that `is_damaged`."""
        if self.is_damaged(run_id):
            self._remove(self.path / run_id)

    def _remove(self, folder: Path) -> None:
        doomed = folder.with_name(f".{folder.name}.deleted")
        shutil.rmtree(doomed, ignore_errors=True)  # left by a deletion that was interrupted
        folder.rename(doomed)
        shutil.rmtree(doomed)

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.path.glob("[!.]*") if path.is_dir())

    def _read(self, folder: Path) -> Run:
        path = folder / "spec.json"
        with reading(path, DELETE.format(folder.name), RunError):
            stored = _SPECS.read(path)
        run = Run(folder, stored)
        run.status()  # refuse a damaged run.json here, once
        return run
