"""The crash harness: jobs in a process that is killed at a random moment, then the invariants.

A job runs in a fork of this process, where everything is imported already, so that kills fall into
the work and not into the imports.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dashboard.services import report_store
from pipeline.annotations.tags import Tags
from pipeline.annotations.verdicts import Verdicts
from pipeline.backup.backup import back_up, list_backups, verify
from pipeline.datasets.dataset import DatasetError, list_datasets, load_dataset
from pipeline.deletions import delete_with_all
from pipeline.doctor.doctor import examine, repair
from pipeline.index.publish import drop_index, publish, read_index
from pipeline.index.refresh import refresh
from pipeline.index.store.opening import open_store
from pipeline.ingest.add_images import add_images
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.experiment import plan, run_missing
from pipeline.runs.registry import RunRegistry
from pipeline.scaling.encoding import Job, OneProcess, encode_source, read_codes
from pipeline.scaling.sources import list_shards
from pipeline.settings import Settings
from tests.factories import imported, kill, python, spec, wait_for_line

LONGEST_S = 2.0  # until the kill; most jobs are over before
_LEFT = ("a process that was killed has left it", "was interrupted")

# Arguments: library, run, source, target. A session of its own tells which processes are Ray's.
BY_RAY = """
import os, sys
os.setsid()
from pathlib import Path
from pipeline.scaling.encoding import Job, encode_source
from pipeline.scaling.ray_engine import RayEngine
from pipeline.scaling.sources import list_shards
from pipeline.settings import Settings

def show(done, total):
    print(f"done {min(done, 1)}", flush=True)

home, run, source, target = sys.argv[1:]
settings = Settings(home=Path(home), threads=1, device="cpu")
job = Job(run, tuple(list_shards(source, 8)), Path(target))
encode_source(job, settings, RayEngine(2), show)
print("ended", flush=True)
"""


class Jobs:
    """Everything that writes into a library.

    Args:
        settings: library with the data set `shapes` and a finished run on it.
        images: folder of class folders to import and to add.
        backups: folder of backups.
    """

    def __init__(self, settings: Settings, images: Path, backups: Path) -> None:
        self.settings, self.images, self.backups = settings, images, backups
        self.all: dict[str, Callable[[], object]] = {
            "import": lambda: imported(images, settings, "more"),
            "train": lambda: run_missing(plan([self._deep()], settings), settings),
            "publish": self._publish,
            "add images": self._add,
            "refresh": self._refresh,
            "drop": self._drop,
            "delete": self._delete,
            "tag": lambda: Tags.of("shapes", settings).put([self._digest()], "review"),
            "judge": self._judge,
            "report": self._report,
            "back up": lambda: back_up(settings, backups),
            "encode a source": self.encode_source,
        }

    @staticmethod
    def _deep():  # type: ignore[no-untyped-def]
        return spec(method="dpsh", config={"epochs": 30})

    def _digest(self) -> str:
        return str(load_dataset("shapes", self.settings).manifest["sha256"].iloc[0])

    def run(self):  # type: ignore[no-untyped-def]
        """The finished run on `shapes`."""
        runs = RunRegistry(self.settings).all()
        return next(run for run in runs if run.spec.method == "itq" and run.state() == "done")

    def _with_store(self, work: Callable[..., object]) -> None:
        store = open_store(None, self.settings.index_path)
        try:
            work(store)
        finally:
            store.close()

    def _publish(self) -> None:
        run = self.run()
        dataset = load_dataset("shapes", self.settings)
        self._with_store(lambda store: publish(run, dataset, store, force=True))

    def _add(self) -> None:
        source = open_source("folder", SourceRequest(name="shapes", path=self.images))
        try:
            add_images("shapes", source, self.settings)
        except DatasetError as error:
            if "is new to" not in str(error):  # all were added before
                raise

    def _refresh(self) -> None:
        run, dataset = self.run(), load_dataset("shapes", self.settings)
        if read_index(run) is not None:
            self._with_store(lambda store: refresh(run, dataset, store, self.settings))

    def _drop(self) -> None:
        self._with_store(lambda store: drop_index(self.run(), store))

    def encode_source(self) -> None:
        """Encode images beside the library, shard by shard; anew when all of them are done."""
        shards = list_shards(str(self.images), 4)
        job = Job(self.run().id, tuple(shards), self.backups.with_name("codes"))
        if not job.remaining:
            shutil.rmtree(job.target)
        encode_source(job, self.settings, OneProcess())

    def _delete(self) -> None:
        if "more" in [info.name for info in list_datasets(self.settings)]:
            self._with_store(lambda store: delete_with_all("more", self.settings, store))

    def _judge(self) -> None:
        digest = self._digest()
        Verdicts.of("shapes", "class", self.settings).set_verdict(digest, digest, "relevant")

    def _report(self) -> None:
        report = report_store.create_report(self.settings, "shapes", "Crash")
        report_store.delete_report(self.settings, "shapes", report)


def kill_within(job: Callable[[], object], seconds: float) -> bool:
    """Run a job in a fork and kill it after so long; says whether it was still at work.

    Raises:
        AssertionError: it failed before, which a kill of an earlier one must not bring about.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            job()
            code = 0
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode()[:2000])
        finally:
            os._exit(code)
    os.close(write)
    ready, _, _ = select.select([read], [], [], seconds)
    is_killed = not ready
    if is_killed:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    said = os.read(read, 2000).decode() if ready else ""
    os.close(read)
    assert is_killed or os.waitstatus_to_exitcode(status) == 0, said
    return is_killed


def kill_by_ray(jobs: Jobs, target: Path, seconds: float) -> int:
    """Encode by Ray in another process, and kill it so long after its start-up.

    Returns the number of its session, of which Ray's processes are.
    """
    child = python(BY_RAY, jobs.settings.home, jobs.run().id, jobs.images, target)
    wait_for_line(child, "done 0")  # Ray is asked for its workers now
    time.sleep(seconds)
    kill(child)
    return child.pid


def alive_of(session: int) -> list[str]:
    """State and command of the processes of a session that have not ended."""
    listed = subprocess.run(
        ["ps", "-o", "stat=,args=", "-s", str(session)], capture_output=True, text=True, check=False
    )
    return [line for line in listed.stdout.splitlines() if not line.startswith("Z")]


def check_invariants(jobs: Jobs) -> None:
    """After a kill: nothing is damaged, and what is left over is known as such and can be removed.

    Raises:
        AssertionError: something is.
    """
    checkup = examine(jobs.settings)
    wrong = [one for one in checkup.problems if not any(text in one.reason for text in _LEFT)]
    assert not wrong, wrong
    assert all(problem.repair is not None for problem in checkup.problems)
    names = [info.name for info in list_datasets(jobs.settings)]
    assert "shapes" in names
    for record in list_backups(jobs.backups):
        assert verify(record) == []


def crash(jobs: Jobs, n_kills: int, seed: int) -> dict[str, int]:
    """Kill random jobs at random moments; returns how many kills met each job at work.

    Raises:
        AssertionError: an invariant does not hold; it names seed and job.
    """
    rng, met = random.Random(seed), dict.fromkeys(jobs.all, 0)
    began, n_met = time.monotonic(), 0
    while n_met < n_kills:
        name = rng.choice(list(jobs.all))
        try:
            if kill_within(jobs.all[name], rng.expovariate(1 / (LONGEST_S / 10))):
                met[name] += 1
                n_met += 1
                check_invariants(jobs)
        except AssertionError as error:
            error.add_note(f"seed {seed}, after {n_met} kills, job {name!r}, {met}")
            raise
        assert time.monotonic() - began < 60 * (1 + n_kills), "jobs end before they can be killed"
    return met


def finish(jobs: Jobs) -> None:
    """Repair what the kills have left, and run every job to its end.

    Raises:
        AssertionError: something is wrong afterwards.
    """
    outcomes = repair(examine(jobs.settings).problems)
    assert set(outcomes.values()) <= {""}, outcomes
    for name, job in jobs.all.items():
        try:
            job()
        except Exception as error:
            error.add_note(f"job {name!r} after the kills")
            raise
    assert examine(jobs.settings).problems == []
    ids, codes = read_codes(jobs.backups.with_name("codes"))
    assert len(ids) == len(set(ids)) == len(codes) == 24
    run = next(run for run in RunRegistry(jobs.settings).all() if run.spec.method == "dpsh")
    assert np.isfinite(run.report().map)
