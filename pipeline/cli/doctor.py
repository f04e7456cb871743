"""The command that checks a library and repairs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import (
    JsonOption,
    console,
    current_settings,
    errors,
    progress_bars,
    say,
    say_json,
)
from pipeline.wording import duration, file_size, plural

if TYPE_CHECKING:
    from pipeline.doctor.checkup import Problem, Record


def doctor(
    repair: Annotated[bool, typer.Option(help="Repair what can be, after asking.")] = False,
    yes: Annotated[bool, typer.Option(help="Repair without asking.")] = False,
    json_: JsonOption = False,
) -> None:
    """Check every stored file by its hash and its form, and list what is wrong."""
    from pipeline.doctor import doctor as library_doctor
    from pipeline.sums import tidy_sums

    settings, began = current_settings(), time.monotonic()
    with progress_bars(errors if json_ else console) as show:
        checkup = library_doctor.examine(settings, lambda done, n: show("checking", done, n))
    if not json_:
        _say_found(checkup.problems)
    can_be = [problem for problem in checkup.problems if problem.repair is not None]
    outcomes = {}
    if can_be and (repair or yes):
        n = plural(len(can_be), "problem")
        if yes or typer.confirm(f"Repair {n}?", err=json_):
            outcomes = library_doctor.repair(can_be)
    if repair or yes:
        tidy_sums(settings.home)
    record = library_doctor.keep_result(checkup, outcomes, began)
    if json_:
        say_json(record.model_dump())
    else:
        _say_result(record, n_repairable=len(can_be) - len(outcomes))
    raise typer.Exit(1 if record.n_open else 0)


def _say_found(problems: Sequence[Problem]) -> None:
    for problem in problems:
        say((f"{problem.path}: ", "bold"), f"{problem.reason}; {problem.todo}")


def _say_result(record: Record, n_repairable: int) -> None:
    for problem in record.problems:
        if problem.state == "repaired":
            say(("Repaired ", "green"), problem.path)
        elif problem.state == "failed":
            say(("Not repaired ", "red"), f"{problem.path}: {problem.todo}")
    for note in record.notes:
        say(("Note: ", "yellow"), note)
    read = f"{plural(record.n_files, 'file')}, {file_size(record.n_bytes)}, in "
    read += duration(record.seconds)
    if record.n_without_sum:
        read += f"; {record.n_without_sum:,} without a noted hash were checked by their form"
    say(f"Checked {read}.")
    if not record.n_open:
        say(("Nothing is wrong.", "green"))
    else:
        offer = f"; {n_repairable:,} can be repaired: add --repair" if n_repairable else ""
        say((f"{plural(record.n_open, 'problem')} left{offer}.", "yellow"))
