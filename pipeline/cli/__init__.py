"""The command line. Every command parses, calls one function of the pipeline and prints.

What imports torch, pandas or a database client is imported in the command that needs it: help and
lists then take a fraction of a second instead of several.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from models.errors import Cancelled, NotFittedError, WeightsError
from pipeline.cli import (
    alternatives,
    backups,
    comparing,
    data,
    demo,
    doctor,
    documents,
    features,
    growth,
    index,
    judging,
    methods,
    quantizers,
    running,
    runs,
    scaling,
    serving,
    sharing,
    sweeping,
)
from pipeline.cli.console import console, errors, say, survive_any_encoding
from pipeline.index.store.base import StoreError
from pipeline.logs import set_up
from pipeline.settings import Settings
from pipeline.wording import sentence

app = typer.Typer(
    help="HashLens: import images, train hash methods, publish their codes, search and compare.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(data.datasets, name="datasets")
app.add_typer(features.features, name="features")
app.add_typer(methods.methods, name="methods")
app.add_typer(index.index, name="index")
app.add_typer(runs.runs, name="runs")
app.add_typer(sharing.export, name="export")
app.add_typer(scaling.scale, name="scale")
app.add_typer(judging.verdicts, name="verdicts")
app.add_typer(judging.judge, name="judge")
app.command()(running.run)
app.command()(running.submit)
app.command()(running.worker)
app.command()(sweeping.sweep)
app.command()(comparing.bench)
app.command()(comparing.ablate)
app.command(name="alternatives")(alternatives.measure)
app.command(name="quantizers")(quantizers.measure)
app.command(name="growth")(growth.measure)
app.command()(running.evaluate)
app.command()(index.search)
app.command()(sharing.share)
app.command()(scaling.plan)
app.command()(sharing.track)
app.command()(sharing.push)
app.command()(sharing.pull)
app.command()(demo.demo)
app.command()(doctor.doctor)
app.add_typer(backups.backups, name="backup")
app.command(name="app")(demo.serve)
app.command(name="serve")(serving.serve)
app.command(hidden=True)(documents.docs)

_EXPECTED = (ValueError, OSError, StoreError, WeightsError, NotFittedError)
_is_debug = _is_json = False
_log = logging.getLogger(__name__)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(help="Show tracebacks and debug messages.")] = False,
) -> None:
    """Options for all commands."""
    global _is_debug, _is_json
    _is_debug, wanted = debug, Settings.from_environment().log
    _is_json = wanted == "json"
    set_up(wanted, is_debug=debug)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; expected errors end in one sentence and exit code 2."""
    survive_any_encoding()
    try:
        app(arguments)
    except Cancelled as error:
        say(("Cancelled.", "yellow"), f" {error}", to=errors)
        sys.exit(130)
    except _EXPECTED as error:
        if _is_debug:
            console.print_exception()
        if _is_json:
            _log.error("%s", sentence(error))
        else:
            say(("Error:", "red"), f" {sentence(error)}", to=errors)
        sys.exit(2)
