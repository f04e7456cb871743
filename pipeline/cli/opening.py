"""Runs as people name them on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.console import current_settings
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run

RunArgument = Annotated[str, typer.Argument(help="A run, part of its id, or its index.")]


def opened_run(name: str) -> Run:
    """The run with this id, an unambiguous part of it, or this collection or alias as its index.

    Raises:
        RunError: there is none, or several.
    """
    from pipeline.index.publish import read_index

    registry = RunRegistry(current_settings())
    try:
        return registry.open(name)
    except RunError:
        for run in registry.all():
            record = read_index(run)
            if record is not None and name in (record.alias, record.collection):
                return run
        raise
