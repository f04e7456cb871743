"""Executing runs in the foreground: one way for run, sweep, bench and ablate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from pipeline.cli.console import console, current_settings, limit_threads, progress_bars, say
from pipeline.progress import StageProgress
from pipeline.runs.experiment import Outcome, Planned, run_missing
from pipeline.runs.run import Run
from pipeline.settings import Settings


def carry_out(
    planned: list[Planned],
    name: str = "",
    *,
    settings: Settings | None = None,
    on_start: Callable[[Run], None] = lambda run: None,
) -> list[Outcome]:
    """Execute what is missing, with progress bars and a line for each run.

    Args:
        planned: runs that are wanted.
        name: name that new runs share.
        settings: say where the library is; None: those of this process.
        on_start: called with each run before it is executed.
    """
    with reporting(console) as (say_outcome, show):
        return run_missing(
            planned,
            settings or current_settings(),
            name=name,
            on_start=on_start,
            on_outcome=say_outcome,
            on_progress=show,
        )


@contextmanager
def reporting(
    to: Console, note: Callable[[Outcome], None] = lambda outcome: None
) -> Iterator[tuple[Callable[[Outcome], None], StageProgress]]:
    """Give two callbacks: one prints how each run went, one draws how far the present one is.

    Args:
        to: console that outcomes and progress are printed on.
        note: called with each outcome, too.
    """
    limit_threads()

    def say_outcome(outcome: Outcome) -> None:
        style = {"failed": "red", "running": "yellow"}.get(outcome.state, "green")
        shown_from = f" ({outcome.run.id})" if outcome.state == "done before" else ""
        begin = f"{outcome.number}/{outcome.total} {outcome.title}: "
        say(begin, (outcome.state, style), f", {outcome.text}{shown_from}", to=to)
        note(outcome)

    with progress_bars(to) as show:
        yield say_outcome, show


def end(outcomes: Iterable[Outcome]) -> None:
    """End the command with exit code 1 where a run failed."""
    if any(outcome.state == "failed" for outcome in outcomes):
        raise typer.Exit(1)
