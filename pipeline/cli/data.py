"""Commands about data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import (
    JsonOption,
    current_settings,
    current_store,
    errors,
    print_table,
    progress_bars,
    say,
    say_json,
)
from pipeline.cli.dataset_facts import describe, print_plan, print_problems, stored_problems
from pipeline.cli.options import takes_options
from pipeline.datasets.damaged import damaged_datasets
from pipeline.datasets.dataset import list_datasets, load_dataset
from pipeline.datasets.problems import problem_counts, write_problems
from pipeline.ingest.request import ImportRequest

if TYPE_CHECKING:
    pass

datasets = typer.Typer(
    help="Import, list, inspect, rename, export and delete data sets.", no_args_is_help=True
)


@datasets.command("list")
def list_(json_: JsonOption = False) -> None:
    """Imported data sets and what can be imported."""
    from pipeline.ingest.sources import list_sources

    for reason in damaged_datasets(current_settings()).values():
        say(("Warning: ", "yellow"), f"{reason}.", to=errors)
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
    describe(name)


@datasets.command()
def inspect(
    name: str,
    problems: Annotated[bool, typer.Option(help="All files skipped or changed.")] = False,
) -> None:
    """Facts, classes by part of the split, and what was wrong with files."""
    from pipeline.datasets.class_counts import class_counts

    describe(name)
    dataset = load_dataset(name, current_settings())
    for labels in dataset.info.label_sets:
        counts = class_counts(dataset, labels)
        rows = [(label, *map(int, numbers)) for label, *numbers in counts.itertuples()]
        print_table(("class", *counts.columns), rows, f"Labels {labels.name!r}", prose=("class",))
    stored = stored_problems(name)
    if problems:
        print_problems(
            "file", [(problem.file, problem.reason, problem.action) for problem in stored]
        )
    elif stored:
        print_problems("files", problem_counts(stored))


@datasets.command()
def label(
    name: str,
    table: Annotated[Path, typer.Argument(help="CSV, TSV, JSON or parquet, a row an image.")],
    as_: Annotated[
        str, typer.Option("--as", help="Name of the label set; empty: its column's.")
    ] = "",
    label_column: Annotated[
        list[str] | None,
        typer.Option(help="Column with labels; several of 0 and 1 are one-hot classes."),
    ] = None,
    path_column: Annotated[str, typer.Option(help="Column with names or ids of images.")] = "",
    separator: Annotated[str, typer.Option(help="Between several labels in one cell.")] = "",
) -> None:
    """Join labels to a data set that is there, as another label set; others stay."""
    from pipeline.ingest.add_labels import add_labels
    from pipeline.ingest.layouts.reading import ReadOptions

    options = ReadOptions(
        path_column=path_column, label_columns=tuple(label_column or ()), separator=separator
    )
    joined = add_labels(
        name, table.name, table.read_bytes(), current_settings(), label_set=as_, options=options
    )
    say(f"{name}: {joined.sentence}.")
    for note in joined.notes:
        say(f"Note: {note}")
    say(f"{joined.next_step} {joined.command(name)}")


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
    from pipeline.deletions import (
        delete_dataset,
        delete_with_all,
        dependents_of,
        existing_dataset,
        unfinished_deletions,
    )

    settings = current_settings()
    dependents = dependents_of(name, settings)
    if name not in unfinished_deletions(settings):
        existing_dataset(name, settings)
    if not yes:
        also = "" if keep_runs or not dependents.runs else f" with {dependents}"
        typer.confirm(f"Delete the data set {name!r}{also}?", abort=True)
    if keep_runs:
        delete_dataset(name, settings)
    else:
        delete_with_all(name, settings, current_store())
    also = f" with {dependents}" if dependents.runs and not keep_runs else ""
    say(f"Deleted {name}{also}.")


def _check_import(request: ImportRequest, problems: Path | None) -> None:
    """The dry run of a request, and its problems as a table."""
    from pipeline.ingest.importing import plan_import

    with progress_bars() as show:
        plan = plan_import(request, current_settings(), lambda n, of: show("check", n, of))
    print_plan(plan)
    if problems is not None:
        write_problems(problems, plan.problems)


def _carry_out(request: ImportRequest) -> None:
    """Import, and say which files were skipped or changed."""
    from pipeline.ingest.importing import execute_import

    known = stored_problems(request.into) if request.into else []
    with progress_bars() as show:
        dataset = execute_import(request, current_settings(), lambda n, of: show("import", n, of))
    describe(dataset.info.name)
    added = [problem for problem in stored_problems(dataset.info.name) if problem not in known]
    if added:
        print_problems("files", problem_counts(added))
