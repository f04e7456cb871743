"""The state of a run: claimed by one process, lost when that is silent."""

from __future__ import annotations

import os
import time

import pytest

from models.errors import Cancelled
from pipeline.jobs import LOST_AFTER_S
from pipeline.runs.control import RunBusy
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from tests.factories import kill, python, wait_for_line

HOLDER = """
import sys
from pathlib import Path
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

with RunRegistry(Settings(home=Path(sys.argv[1]))).all()[0].started():
    print("running", flush=True)
    sys.stdin.read()
"""


def silence(run: Run) -> None:
    """As if nothing had been heard of the run for longer than the limit."""
    long_ago = time.time() - LOST_AFTER_S - 1
    run.update(heartbeat=long_ago)
    if (run.folder / "heartbeat").exists():
        os.utime(run.folder / "heartbeat", (long_ago, long_ago))


def test_cancelling_a_queued_run_stops_it_before_its_first_stage(run: Run) -> None:
    run.request_stop()

    with pytest.raises(Cancelled), run.started(), run.stage("features"):
        raise AssertionError("the stage began")

    assert run.state() == "cancelled"


def test_a_run_that_is_silent_for_a_minute_is_lost(run: Run) -> None:
    run.update(state="running")
    assert run.state() == "running"

    silence(run)

    assert run.state() == "lost"
    assert run.status().state == "running"  # derived, not stored


def test_a_run_with_a_beating_heart_is_not_lost_however_long_a_stage_takes(run: Run) -> None:
    with run.started():
        silence(run)
        (run.folder / "heartbeat").touch()  # as its thread does every few seconds

        assert run.state() == "running"


@pytest.mark.parametrize("state", ["queued", "done", "failed", "cancelled"])
def test_only_running_runs_get_lost(run: Run, state: str) -> None:
    run.update(state=state)
    silence(run)

    assert run.state() == state


def test_a_run_in_another_process_is_busy_until_that_is_killed(
    run: Run, registry: RunRegistry
) -> None:
    child = python(HOLDER, registry.path.parent)
    wait_for_line(child, "running")

    with pytest.raises(RunBusy, match="executed by another process"), run.started():
        raise AssertionError("two at once")
    kill(child)

    assert run.state() == "running"  # it died without a word
    silence(run)
    assert run.state() == "lost"
    with run.started():
        pass
    assert run.state() == "done"
