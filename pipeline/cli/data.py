"""Commands about data sets and methods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.contract import CHECKS
from models.registry import get_method
from pipeline.catalog import config_fields, list_sources, method_cards, zoo_details, zoo_table
from pipeline.cli.console import console, current_settings, print_table, progress_bars
from pipeline.datasets.base import delete_dataset, list_datasets, load_dataset
from pipeline.datasets.importing import import_dataset
from pipeline.datasets.sources import SourceRequest, open_source

datasets = typer.Typer(help="Import, list, show and delete data sets.", no_args_is_help=True)
methods = typer.Typer(help="List, show and check hash methods.", no_args_is_help=True)


@datasets.command("list")
def list_() -> None:
    """Imported data sets and what can be imported."""
    rows = [
        (info.name, info.n, ", ".join(labels.name for labels in info.label_sets), info.licence)
        for info in list_datasets(current_settings())
    ]
    print_table(("data set", "images", "label sets", "licence"), rows, "Imported")
    print_table(("source", "what it is"), list(list_sources().items()), "Can be imported")


@datasets.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="A source name, or the path of a folder.")],
    name: Annotated[str, typer.Option(help="Name in the library.")] = "",
    link: Annotated[bool, typer.Option(help="Refer to the files instead of copying.")] = False,
    variants: Annotated[bool, typer.Option(help="openmoji: skin-tone variants too.")] = False,
) -> None:
    """Import a data set. Repeating the command after an interruption goes on where it stopped."""
    settings = current_settings()
    is_source = source in list_sources() and source != "folder"
    request = SourceRequest(
        name=name,
        path=None if is_source else Path(source),
        downloads=settings.home / "downloads",
        variants=variants,
    )
    opened = open_source(source if is_source else "folder", request)
    with progress_bars() as show:
        dataset = import_dataset(
            opened, settings, link=link, on_progress=lambda done, total: show("import", done, total)
        )
    _describe(dataset.info.name)


@datasets.command()
def show(name: str) -> None:
    """Facts about an imported data set."""
    _describe(name)


@datasets.command()
def delete(
    name: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete an imported data set; runs and indexes made from it stay."""
    info = load_dataset(name, current_settings()).info
    if not yes:
        typer.confirm(f"Delete {name!r} with {info.n} images?", abort=True)
    delete_dataset(name, current_settings())
    console.print(f"Deleted {name}.")


@methods.command("list")
def list_methods_() -> None:
    """All hash methods."""
    rows = [
        (card.name, card.title, card.supervision, f"{card.venue} {card.year}", card.summary)
        for card in method_cards()
    ]
    print_table(("method", "title", "supervision", "published", "idea"), rows)


@methods.command("show")
def show_method(name: str) -> None:
    """Card and hyper-parameters of a method; set them with --set key=value."""
    card = get_method(name).card
    console.print(f"[bold]{card.title}[/]: {card.summary}")
    console.print(f"{card.authors}. {card.venue} {card.year}. {card.paper}".strip())
    console.print(f"Supervision: {card.supervision}. Follows: {card.fidelity}.")
    for deviation in card.deviations:
        console.print(f"- {deviation}")
    rows = [(f.name, f.default, f.bounds, f.description) for f in config_fields(name)]
    print_table(("key", "default", "range", "meaning"), rows)


@methods.command()
def table(
    full: Annotated[bool, typer.Option("--full", help="All details, for docs/methods.md.")] = False,
) -> None:
    """All methods as a Markdown table, for models/README.md."""
    print(zoo_details() if full else zoo_table())


@methods.command()
def check(name: str) -> None:
    """Run the contract that every method must keep."""
    method = get_method(name)
    broken = 0
    for test in CHECKS:
        sentence = (test.__doc__ or test.__name__).splitlines()[0]
        try:
            test(method)
        except AssertionError as error:
            broken += 1
            console.print(f"[red]broken[/] {sentence} {error}")
        else:
            console.print(f"[green]kept[/]   {sentence}")
    raise typer.Exit(1 if broken else 0)


def _describe(name: str) -> None:
    info = load_dataset(name, current_settings()).info
    console.print(f"[bold]{info.title}[/] ({info.name}): {info.summary}")
    console.print(f"{info.n:,} images stored, {info.n_problems} files not taken (problems.csv)")
    for labels in info.label_sets:
        console.print(f"labels {labels.name!r}: {labels.kind}, {len(labels.classes)} classes")
    console.print(f"Licence: {info.licence}. {info.attribution}")
