"""A run while it is executed: status, failure, stop, history."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.errors import Cancelled
from models.method import EpochLog
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from tests.factories import spec


def epoch(number: int, loss: float = 0.5) -> EpochLog:
    return EpochLog(number, 3, {"loss": loss}, 0.1)


def test_the_status_tells_the_story(run: Run) -> None:
    with run.started():
        assert run.status().state == "running"
        with run.stage("training"):
            assert run.status().stage == "training"
            run.log_epoch(epoch(1))

    status = run.status()
    assert (status.state, status.stage, status.error) == ("done", "", "")
    assert status.pid == os.getpid()
    assert status.created < status.started < status.finished
    assert {"torch", "numpy"} <= {*status.versions}
    assert status.timings["training"] >= 0
    assert run.history() == [{"epoch": 1, "n_epochs": 3, "seconds": 0.1, "terms": {"loss": 0.5}}]


def test_a_failure_is_stored_with_its_reason_and_passed_on(run: Run) -> None:
    with pytest.raises(ZeroDivisionError), run.started():
        1 / 0  # noqa: B018

    assert run.status().state == "failed"
    assert run.status().error == "division by zero"


def test_a_failure_without_words_is_stored_by_its_kind(run: Run) -> None:
    with pytest.raises(OSError), run.started():
        raise OSError

    assert run.status().error == "OSError"


def test_ctrl_c_is_a_stop_and_not_a_failure(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt), run.started():
        raise KeyboardInterrupt

    assert (run.status().state, run.status().error) == ("cancelled", "")


def test_a_failed_run_can_be_repeated_and_forgets_the_failure(run: Run) -> None:
    with pytest.raises(KeyError), run.started():
        run.log_epoch(epoch(1))
        raise KeyError("x")
    with run.started():
        run.log_epoch(epoch(1, loss=0.25))

    assert (run.status().state, run.status().error) == ("done", "")
    assert [line["terms"] for line in run.history()] == [{"loss": 0.25}]


def test_a_finished_run_is_not_overwritten(run: Run) -> None:
    with run.started():
        pass

    with pytest.raises(RunError, match="is done already"), run.started():
        raise AssertionError("it started")
    assert run.state() == "done"


def test_cancelling_stops_at_the_next_epoch_and_leaves_no_trace_for_the_next_try(run: Run) -> None:
    with pytest.raises(Cancelled), run.started():
        run.log_epoch(epoch(1))
        run.request_stop()
        run.log_epoch(epoch(2))
        raise AssertionError("it went on")

    assert run.state() == "cancelled"
    assert len(run.history()) == 2
    with run.started():
        run.check_stop()


def test_a_request_that_came_too_late_is_forgotten(run: Run) -> None:
    with run.started():
        run.request_stop()

    assert run.state() == "done"
    assert not (run.folder / "cancel").exists()


def test_two_runs_in_one_process_do_not_wait_for_each_other(
    registry: RunRegistry, tmp_path: Path
) -> None:
    first, second = registry.create(spec()), registry.create(spec())

    with first.started(), second.started():
        assert {first.state(), second.state()} == {"running"}


def test_a_line_of_the_history_that_is_being_written_is_left_for_later(run: Run) -> None:
    run.log_epoch(epoch(1))
    with (run.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"epoch": 2, "n_ep')

    assert [line["epoch"] for line in run.history()] == [1]


def test_a_run_without_epochs_has_an_empty_history(run: Run) -> None:
    assert run.history() == []
