"""Commands about verdicts: what people said about queries and results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import current_settings, say
from pipeline.datasets.dataset import load_dataset
from pipeline.files import write_atomic

verdicts = typer.Typer(help="Export verdicts on queries and results.", no_args_is_help=True)


@verdicts.callback()
def _group() -> None:
    """Keeps `export` a command of its own."""


@verdicts.command("export")
def export_(
    dataset: Annotated[str, typer.Argument(help="A data set of the library.")],
    file: Annotated[Path, typer.Argument(help="The CSV file to write.")],
) -> None:
    """Write the verdicts on all label sets of a data set as CSV."""
    from pipeline.annotations.verdicts import verdict_table
    from pipeline.spreadsheets import to_csv

    table = verdict_table(load_dataset(dataset, current_settings()), current_settings())
    write_atomic(file, to_csv(table))
    verdicts_said = "1 verdict" if len(table) == 1 else f"{len(table):,} verdicts"
    say(f"{verdicts_said} in {file}")
