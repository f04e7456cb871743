"""The worker: oldest first, one at a time, and no failure stops it."""

from __future__ import annotations

import os
import time

import pytest

from pipeline.runs import LOST_AFTER_S, Run, RunRegistry
from pipeline.settings import Settings
from pipeline.worker import HEARTBEAT_LIMIT_S, heartbeat_age_s, work
from tests.factories import kill, python, spec, wait_for_line

CHILD = """
import sys, time
from pathlib import Path
from pipeline.settings import Settings
from pipeline.worker import work

def show(stage, done, total):
    if stage == "training" and done == 1:
        print("training", flush=True)
        time.sleep(60)

work(Settings(home=Path(sys.argv[1])), on_progress=show)
"""


def queued(settings: Settings, **changes: object) -> Run:
    return RunRegistry(settings).create(spec(**changes))


def silence(run: Run) -> None:
    long_ago = time.time() - LOST_AFTER_S - 1
    run.update(heartbeat=long_ago)
    if (run.folder / "heartbeat").exists():
        os.utime(run.folder / "heartbeat", (long_ago, long_ago))


def test_with_nothing_queued_it_ends_when_asked_to(settings: Settings) -> None:
    assert work(settings, exit_when_idle=True) == 0


def test_queued_runs_are_executed_oldest_first_even_within_a_second(own_library: Settings) -> None:
    """Names sort otherwise: lsh before pcah; they are queued the other way round."""
    runs = [queued(own_library, method=name, bits=8) for name in ("pcah", "lsh", "itq")]

    assert work(own_library, exit_when_idle=True) == 3

    assert [run.state() for run in runs] == ["done"] * 3
    ends = [(run.folder / "report.json").stat().st_mtime_ns for run in runs]
    assert ends == sorted(ends)


def test_a_failing_run_is_recorded_and_the_next_one_executed(own_library: Settings) -> None:
    bad, good = queued(own_library, bits=250), queued(own_library)

    assert work(own_library, exit_when_idle=True) == 2

    assert (bad.state(), good.state()) == ("failed", "done")
    assert "250 bits need 250 principal axes" in bad.status().error


def test_a_run_cancelled_in_the_queue_is_not_executed(own_library: Settings) -> None:
    run = queued(own_library)
    run.request_cancel()

    work(own_library, exit_when_idle=True)

    assert run.state() == "cancelled"
    assert not (run.folder / "model").exists()


def test_a_damaged_run_does_not_stop_the_worker(own_library: Settings) -> None:
    broken, good = queued(own_library), queued(own_library, method="lsh")
    (broken.folder / "run.json").write_text("{", "utf-8")

    work(own_library, exit_when_idle=True)

    assert good.state() == "done"


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_what_has_ended_is_left_alone(own_library: Settings, state: str) -> None:
    run = queued(own_library)
    run.update(state=state)
    silence(run)

    assert work(own_library, exit_when_idle=True) == 0
    assert run.status().state == state


def test_a_run_whose_worker_was_killed_is_marked_by_the_next_one(own_library: Settings) -> None:
    run, waiting = queued(own_library), queued(own_library, method="lsh")
    child = python(CHILD, own_library.home)
    wait_for_line(child, "training")

    assert run.state() == "running"
    age = heartbeat_age_s(own_library)
    assert age is not None
    assert age < HEARTBEAT_LIMIT_S
    silence(run)  # silent, but its process lives and holds it
    assert work(own_library, exit_when_idle=True) == 1
    assert run.status().state == "running"
    assert waiting.state() == "done"

    kill(child)
    silence(run)
    work(own_library, exit_when_idle=True)

    assert run.state() == "failed"
    assert run.status().error == "the process that executed it was killed"


def test_a_worker_that_never_ran_has_no_heartbeat(settings: Settings) -> None:
    assert heartbeat_age_s(settings) is None
    work(settings, exit_when_idle=True)
    age = heartbeat_age_s(settings)
    assert age is not None
    assert 0 <= age + 0.1 < 5
