"""Check a whole library, and repair what can be rebuilt from something else that is stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pipeline.doctor.checkup import Checkup, NotedProblem, Problem, Record, State, keep_record
from pipeline.doctor.datasets import check_datasets, check_features
from pipeline.doctor.rest import (
    check_computed,
    check_jobs,
    check_leftovers,
    check_other_sums,
    check_said,
)
from pipeline.doctor.runs import check_indexes, check_runs
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings
from pipeline.wording import sentence

CHECKS: tuple[Callable[[Checkup], None], ...] = (
    check_datasets,
    check_features,
    check_runs,
    check_indexes,
    check_computed,
    check_said,
    check_jobs,
    check_leftovers,
    check_other_sums,
)


def examine(settings: Settings, on_progress: Progress = ignore_progress) -> Checkup:
    """Read every stored file of a library; changes nothing.

    Args:
        settings: say where the library is, and which store its indexes are in.
        on_progress: called with checks done and checks in all.
    """
    checkup = Checkup(settings)
    for number, check in enumerate(CHECKS, 1):
        check(checkup)
        on_progress(number, len(CHECKS))
    return checkup


def repair(problems: Sequence[Problem]) -> dict[Problem, str]:
    """Repair what can be, in order; returns why that failed, empty where it did not."""
    outcomes = {one: _repaired(one) for one in problems if one.repair is not None}
    failed = [one for one, reason in outcomes.items() if reason]
    return outcomes | {one: _repaired(one) for one in failed}  # one may have waited for another


def _repaired(problem: Problem) -> str:
    """Why a problem could not be repaired; empty where it was."""
    assert problem.repair is not None
    try:
        problem.repair()
    except Exception as error:  # one that cannot be repaired must not keep the others
        return str(error) or type(error).__name__
    return ""


def keep_result(checkup: Checkup, outcomes: dict[Problem, str], began: float) -> Record:
    """Keep what was found and what became of it, for Status; a note says where that cannot be.

    Args:
        checkup: what was found.
        outcomes: of `repair`.
        began: `time.monotonic()` at the start.
    """
    record = Record(
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 1),
        n_files=checkup.n_files,
        n_bytes=checkup.n_bytes,
        n_without_sum=checkup.n_without_sum,
        problems=tuple(_noted(problem, outcomes) for problem in checkup.problems),
        notes=tuple(checkup.notes),
    )
    try:
        keep_record(record, checkup.settings)
    except OSError as error:
        note = f"this result is not kept: {sentence(error)}"
        return record.model_copy(update={"notes": (*record.notes, note)})
    return record


def _noted(problem: Problem, outcomes: dict[Problem, str]) -> NotedProblem:
    state: State = "open"
    if problem in outcomes:
        state = "failed" if outcomes[problem] else "repaired"
    return NotedProblem(
        path=problem.path,
        reason=problem.reason,
        todo=outcomes.get(problem) or problem.todo,
        can_be_repaired=problem.repair is not None,
        state=state,
    )
