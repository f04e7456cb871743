"""Experiments: nothing is done twice, a failure stops nothing else, and a stop stops all."""

from __future__ import annotations

import platform

import pytest

from models.errors import Cancelled
from pipeline.runs.experiment import Outcome, plan, run_missing
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from tests.factories import spec

LSH = [spec(method="lsh", bits=bits) for bits in (8, 12, 16)]


def states(specs: list[RunSpec], settings: Settings) -> list[str]:
    return [outcome.state for outcome in run_missing(plan(specs, settings), settings)]


def test_what_is_done_is_not_done_again_and_what_is_wanted_twice_counts_once(
    own_library: Settings, done_run: Run
) -> None:
    wanted = [done_run.spec, LSH[0], LSH[0]]

    first, second = states(wanted, own_library), states(wanted, own_library)

    assert (first, second) == (["done before", "done"], ["done before", "done before"])
    assert len(RunRegistry(own_library).all()) == 2


def test_a_run_that_fails_is_reported_and_the_others_go_on(own_library: Settings) -> None:
    """ITQ cannot give 250 bits of 64-d features, LSH can."""
    seen: list[Outcome] = []
    wanted = [spec(method=name, bits=250) for name in ("itq", "lsh")]

    run_missing(plan(wanted, own_library), own_library, on_outcome=seen.append)

    assert [(one.number, one.total, one.state) for one in seen] == [
        (1, 2, "failed"),
        (2, 2, "done"),
    ]
    assert seen[0].text == seen[0].run.status().error
    assert "250 bits need" in seen[0].text
    assert seen[1].text.startswith("mAP ")


@pytest.mark.parametrize("how", ["Ctrl-C", "cancel"])
def test_a_stop_stops_all_and_the_same_command_resumes(own_library: Settings, how: str) -> None:
    begun: list[Run] = []

    def stop_in_the_second(_stage: str, _done: int, _total: int) -> None:
        if len(begun) == 2 and how == "Ctrl-C":
            raise KeyboardInterrupt
        if len(begun) == 2:
            begun[1].request_stop()

    with pytest.raises(Cancelled, match="1 of 3 runs are done; the same command resumes"):
        run_missing(
            plan(LSH, own_library),
            own_library,
            on_start=begun.append,
            on_progress=stop_in_the_second,
        )

    assert [run.state() for run in begun] == ["done", "cancelled"]
    assert states(LSH, own_library) == ["done before", "done", "done"]


def test_a_queued_run_is_executed_itself(own_library: Settings) -> None:
    waiting = RunRegistry(own_library).create(LSH[0])

    [outcome] = run_missing(plan(LSH[:1], own_library), own_library)

    assert (outcome.run, outcome.state, waiting.state()) == (waiting, "done", "done")


def test_a_run_whose_process_was_killed_is_taken_up(own_library: Settings) -> None:
    left = RunRegistry(own_library).create(LSH[0])
    left.update(state="running", host=platform.node())

    [outcome] = run_missing(plan(LSH[:1], own_library), own_library)

    assert (outcome.run, outcome.state) == (left, "done")


def test_a_run_of_another_process_is_left_to_it(own_library: Settings) -> None:
    other = RunRegistry(own_library).create(LSH[0])
    other.update(state="running", host="elsewhere")

    with other.claimed():
        outcomes = run_missing(plan(LSH[:2], own_library), own_library)

    assert [outcome.state for outcome in outcomes] == ["running", "done"]
    assert "in another process" in outcomes[0].text
    assert not outcomes[0].is_done


def test_a_run_that_another_process_ends_meanwhile_counts_as_done(own_library: Settings) -> None:
    RunRegistry(own_library).create(LSH[1])
    planned = plan(LSH[:2], own_library)

    def faster(outcome: Outcome) -> None:
        if outcome.number == 1:
            run_missing(planned[1:], own_library)

    outcomes = run_missing(planned, own_library, on_outcome=faster)

    assert [outcome.state for outcome in outcomes] == ["done", "done before"]
