"""Commands about stored runs: list, show, cancel, resume and delete them."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.console import JsonOption, current_settings, errors, print_table, say, say_json
from pipeline.cli.opening import RunArgument, opened_run
from pipeline.cli.running import percent, report_run
from pipeline.evaluation.relevance import LABELS
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.wording import COMMAND

runs = typer.Typer(help="List, show, cancel and delete runs.", no_args_is_help=True)


@runs.command("list")
def list_(json_: JsonOption = False) -> None:
    """All runs, newest first."""
    from pipeline.analysis.comparisons import labels_by_default, told_apart  # pandas with it

    settings = current_settings()
    registry = RunRegistry(settings)
    listed = registry.all()
    if json_:
        say_json([_facts(run) for run in listed])
    else:
        apart = told_apart([run.stored for run in listed], labels_by_default(settings))
        names = ["run", "state", "data set", "method", "bits", "mAP %", "seed"]
        less = ("data set", "bits", "method", "seed", "mAP %")  # the id has the first three too
        names += ["measured"] if any(apart) else []
        rows = [
            [r.id, r.state(), spec.dataset, spec.method, spec.bits, _map(r), spec.seed]
            + ([words.strip(" ·")] if any(apart) else [])
            for r, words in zip(listed, apart, strict=True)
            for spec in [r.stored]
        ]
        print_table(names, rows, optional=less, has_json=True)
    for reason in registry.unreadable().values():
        say(("Not readable:", "yellow"), f" {reason}", to=errors)


@runs.command()
def show(run_id: RunArgument) -> None:
    """Spec, status and report of a run."""
    chosen = opened_run(run_id)
    for part in (chosen.spec, chosen.status()):
        say_json(part.model_dump(mode="json"))
    if chosen.state() == "done":
        report_run(chosen)


@runs.command()
def cancel(run_id: RunArgument) -> None:
    """Ask a run to stop at its next sign of progress."""
    chosen = opened_run(run_id)
    if chosen.state() not in ("queued", "running") and not chosen.status().stage:
        raise RunError(f"run {chosen.id} is {chosen.state()}; only queued or running runs can stop")
    chosen.stop()
    say(f"Asked {chosen.id} to stop.")


@runs.command()
def resume(run_id: RunArgument) -> None:
    """Queue a run again that was stopped or failed.

    A method with mini-batches resumes from its last checkpoint, any other restarts.
    """
    chosen = opened_run(run_id)
    chosen.requeue()
    say(f"Queued {chosen.id}. A worker executes it: {COMMAND} worker")


@runs.command()
def delete(
    run_id: RunArgument, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete a run with its model and codes; drop its index first with: index drop."""
    registry = RunRegistry(current_settings())
    name = run_id if registry.is_damaged(run_id) else opened_run(run_id).id
    if not yes:
        typer.confirm(f"Delete {name}?", abort=True)
    if registry.is_damaged(name):
        registry.discard(name)
    else:
        registry.delete(registry.open(name))
    say(f"Deleted {name}.")


def _facts(run: Run) -> dict[str, object]:
    """A run in the list, for programs."""
    spec = run.stored.model_dump(mode="json")
    return {"run": run.id, "state": run.state(), "map": _value(run), **spec}


def _value(run: Run) -> float | None:
    try:
        return run.report().map
    except RunError:
        return None


def _map(run: Run) -> str:
    """The mAP, and by what where no label decides."""
    value = _value(run)
    if value is None:
        return ""
    by = "" if run.relevances[0] == LABELS else f" by {run.relevances[0]}"
    return f"{percent(value)}{by}"
