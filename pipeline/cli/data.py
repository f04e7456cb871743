"""Commands about data sets and methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.registry import get_method
from pipeline.cli.console import (
    JsonOption,
    current_settings,
    current_store,
    limit_threads,
    print_table,
    progress_bars,
    say,
    say_json,
)
from pipeline.cli.options import takes_options
from pipeline.datasets.dataset import list_datasets, load_dataset
from pipeline.datasets.problems import Problem, problem_counts, read_problems, write_problems
from pipeline.ingest.request import ImportRequest

if TYPE_CHECKING:
    from pipeline.ingest.dry_run import Plan

datasets = typer.Typer(
    help="Import, list, inspect, rename, export and delete data sets.", no_args_is_help=True
)
methods = typer.Typer(help="List, show and check hash methods.", no_args_is_help=True)


@datasets.command("list")
def list_(json_: JsonOption = False) -> None:
    """Imported data sets and what can be imported."""
    from pipeline.ingest.sources import list_sources

    imported = list_datasets(current_settings())
    if json_:
        facts = [info.model_dump(mode="json") for info in imported]
        return say_json({"imported": facts, "sources": list_sources()})
    rows = [
        (info.name, info.n, ", ".join(labels.name for labels in info.label_sets), info.licence)
        for info in imported
    ]
    columns = ("data set", "images", "label sets", "licence")
    less = ("licence", "label sets")
    print_table(columns, rows, "Imported", prose=less, optional=less, has_json=True)
    sources = list(list_sources().items())
    what = ("source", "what it is")
    return print_table(what, sources, "Can be imported", prose=what[1:])


@datasets.command("import")
@takes_options
def import_(
    request: ImportRequest,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check and report.")] = False,
    problems: Annotated[Path | None, typer.Option(help="--dry-run: CSV to write them to.")] = None,
) -> None:
    """Import a data set. Repeating the command after an interruption resumes it."""
    if dry_run:
        _check_import(request, problems)
    else:
        _carry_out(request)


@datasets.command(hidden=True)
def work(job: str) -> None:
    """Execute an import that the dashboard has asked for."""
    from pipeline.ingest.import_jobs import execute_job, open_job

    execute_job(open_job(job, current_settings()), current_settings())


@datasets.command()
def show(name: str) -> None:
    """Facts about an imported data set."""
    _describe(name)


@datasets.command()
def inspect(
    name: str,
    problems: Annotated[bool, typer.Option(help="All files not taken as they are.")] = False,
) -> None:
    """Facts, classes by part of the split, and what was wrong with files."""
    from pipeline.datasets.class_counts import class_counts

    _describe(name)
    dataset = load_dataset(name, current_settings())
    for labels in dataset.info.label_sets:
        counts = class_counts(dataset, labels)
        rows = [(label, *map(int, numbers)) for label, *numbers in counts.itertuples()]
        print_table(("class", *counts.columns), rows, f"Labels {labels.name!r}", prose=("class",))
    found = _problems(name)
    if problems:
        _print_problems("file", [(one.file, one.reason, one.action) for one in found])
    elif found:
        _print_problems("files", problem_counts(found))


@datasets.command()
def rename(
    name: str,
    to: Annotated[str, typer.Argument(help="New name; none when only the title changes.")] = "",
    title: Annotated[str, typer.Option(help="New title for people.")] = "",
) -> None:
    """Give a data set another name, while no run refers to it, or another title."""
    from pipeline.library import rename_dataset

    info = rename_dataset(name, current_settings(), to=to or name, title=title)
    say(f"{name} is now {info.name}: {info.title}.")


@datasets.command()
def export(name: str, target: Annotated[Path, typer.Argument(help="A new .zip file.")]) -> None:
    """Write images and labels into a zip that can be imported again."""
    from pipeline.library import export_dataset

    dataset = load_dataset(name, current_settings())
    with progress_bars() as bars:
        export_dataset(dataset, target, lambda done, total: bars("export", done, total))
    say(f"Wrote {len(dataset):,} images and metadata.jsonl to {target}.")


@datasets.command()
def delete(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keep_runs: Annotated[
        bool, typer.Option(help="Only the images; runs and indexes stay.")
    ] = False,
) -> None:
    """Delete an imported data set with its indexes, runs and thumbnails; features stay."""
    from pipeline.library import delete_dataset, delete_with_all, dependents_of, load_facts

    settings = current_settings()
    info, hanging = load_facts(name, settings), dependents_of(name, settings)
    if not yes:
        also = "" if keep_runs or not hanging.runs else f", {hanging}"
        typer.confirm(f"Delete {name!r} with {info.n} images{also}?", abort=True)
    if keep_runs:
        delete_dataset(name, settings)
    else:
        delete_with_all(name, settings, current_store())
    also = f" with {hanging}" if hanging.runs and not keep_runs else ""
    say(f"Deleted {name}{also}.")


@methods.command("list")
def list_methods_(json_: JsonOption = False) -> None:
    """All hash methods."""
    from pipeline.catalog import method_cards

    if json_:
        return say_json([card.model_dump(mode="json") for card in method_cards()])
    rows = [
        (card.name, card.title, card.supervision, f"{card.venue} {card.year}", card.summary)
        for card in method_cards()
    ]
    columns = ("method", "title", "supervision", "published", "idea")
    less = ("published", "title", "supervision")
    return print_table(columns, rows, prose=("idea",), optional=less, has_json=True)


@methods.command("show")
def show_method(name: str) -> None:
    """Card and hyper-parameters of a method; set them with --set key=value."""
    from pipeline.catalog import config_fields

    card = get_method(name).card
    say((card.title, "bold"), f": {card.summary}")
    say(f"{card.authors}. {card.venue} {card.year}. {card.paper}".strip())
    say(f"Supervision: {card.supervision}. Follows: {card.fidelity}.")
    for deviation in card.deviations:
        say(f"- {deviation}")
    rows = [(f.name, f.default, f.bounds, f.description) for f in config_fields(name)]
    print_table(("key", "default", "range", "meaning"), rows, prose=("range", "meaning"))


@methods.command()
def check(name: str) -> None:
    """Run the contract that every method must keep."""
    from models.contract import CHECKS

    limit_threads()
    method = get_method(name)
    broken = 0
    for test in CHECKS:
        sentence = (test.__doc__ or test.__name__).splitlines()[0]
        try:
            test(method)
        except AssertionError as error:
            broken += 1
            say(("broken", "red"), f" {sentence} {error}")
        else:
            say(("kept", "green"), f"   {sentence}")
    raise typer.Exit(1 if broken else 0)


def _check_import(request: ImportRequest, problems: Path | None) -> None:
    """The dry run of a request, and its problems as a table."""
    from pipeline.ingest.importing import plan_import

    with progress_bars() as show:
        plan = plan_import(request, current_settings(), lambda n, of: show("check", n, of))
    _print_plan(plan)
    if problems is not None:
        write_problems(problems, plan.problems)


def _carry_out(request: ImportRequest) -> None:
    """Import, and say what was not taken as it is."""
    from pipeline.ingest.importing import execute_import

    known = _problems(request.into) if request.into else []
    with progress_bars() as show:
        dataset = execute_import(request, current_settings(), lambda n, of: show("import", n, of))
    _describe(dataset.info.name)
    added = [problem for problem in _problems(dataset.info.name) if problem not in known]
    if added:
        _print_problems("files", problem_counts(added))


def _describe(name: str) -> None:
    info = load_dataset(name, current_settings()).info
    say((info.title, "bold"), f" ({info.name}): {info.summary}")
    say(f"{info.n:,} images stored, {info.n_problems} files not taken (problems.csv)")
    for labels in info.label_sets:
        say(f"labels {labels.name!r}: {labels.kind}, {len(labels.classes)} classes")
    if info.scaling_summary:
        say(f"Scaled to 8 bits per channel: {info.scaling_summary}")
    say(f"Evaluated under {info.split_summary}")
    say(f"Licence: {info.licence}. {info.attribution}")


def _problems(name: str) -> list[Problem]:
    return read_problems(load_dataset(name, current_settings()).folder / "problems.csv")


def _print_plan(plan: Plan) -> None:
    """A dry run as text: how it was read, what would be stored, what is wrong."""
    from pipeline.ingest.layouts import list_layouts

    info = plan.info
    say(("Dry run, nothing was stored.", "bold"), f" {info.name}: {info.summary}")
    for guess in plan.guesses:
        chosen = "*" if guess.layout == plan.reading.layout else " "
        title = list_layouts()[guess.layout]
        say(f"{chosen} {100 * guess.confidence:3.0f} % {title} ({guess.why})")
    for note in plan.notes:
        say(f"Read so: {note}")
    for warning in plan.warnings:
        say(("Warning: ", "yellow"), warning)
    if plan.doubt:
        say(("An import needs --format or --yes.", "yellow"))
    refused = info.n_problems - plan.n_duplicates
    say(
        f"{info.n:,} images would be stored, {plan.n_duplicates:,} duplicates kept once, "
        f"{refused:,} files not taken, {plan.n_near:,} near-duplicates, {plan.n_leaks:,} leaks"
    )
    parts = ", ".join(f"{name} {n:,}" for name, n in plan.parts.items()) or plan.split_problem
    say(f"Split: {info.split_summary}: {parts}")
    for name, counts in plan.classes.items():
        print_table(("class", "images"), counts, f"Labels {name!r}", prose=("class",))
    if plan.problems:
        _print_problems("files", problem_counts(plan.problems))
    if plan.same_as:
        say(f"The same content is already here as {plan.same_as!r}.")


def _print_problems(first: str, rows: Sequence[tuple[object, ...]]) -> None:
    print_table((first, "reason", "action"), rows, "Problems", prose=("reason",))
