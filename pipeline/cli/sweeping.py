"""The command about many runs at once: sweep."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from pipeline.cli.console import current_settings, print_table, say
from pipeline.cli.experiments import carry_out, end
from pipeline.cli.options import takes_options
from pipeline.cli.run_options import LearningOptions, SeedsOption, parsed_settings
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.sweep import Sweep, plan, submit
from pipeline.wording import COMMAND


@takes_options
def sweep(
    methods: Annotated[str, typer.Option(help="Names with commas between.")],
    options: LearningOptions,
    bits: Annotated[str, typer.Option(help="Code lengths with commas between.")] = "32",
    seeds: SeedsOption = 1,
    grid: Annotated[
        list[str] | None,
        typer.Option(help="Vary a setting: learning_rate=0.001,0.0001; repeatable."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of one method, method.key=value; repeatable."),
    ] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Leave the work to a worker.")] = False,
) -> None:
    """Run methods x code lengths x seeds x settings; what was run before is not run again.

    The exit code is 1 where a run failed; the others go on.
    """
    settings = current_settings()
    wanted = Sweep(
        methods=tuple(dict.fromkeys(name.strip() for name in methods.split(","))),
        bits=tuple(dict.fromkeys(_values("bits", bits))),
        seeds=seeds,
        grid={key: _values(key, text) for key, text in _pairs(grid)},
        config=_by_method(set_),
        **options.conditions(),
        **options.learning(),
    )
    name = f"sweep {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    if queue:
        planned = submit(wanted, settings, name)
        fresh = sum(planned_run.state == "queued" for planned_run in planned)
        say(f"{len(planned)} runs: {fresh} queued, {len(planned) - fresh} done or begun.")
        say(f"A worker executes them: {COMMAND} worker")
        return
    outcomes = carry_out(plan(wanted, settings), name)
    _print_board([outcome.run for outcome in outcomes], name)
    end(outcomes)


def _print_board(runs: list[Run], name: str) -> None:
    columns = ("bits", "run", "settings", "seed", "mAP %", "train s")
    less = ("train s", "bits")  # the run's name has the bits too
    print_table(columns, _rows(runs), name, prose=("settings",), optional=less)


def _rows(runs: list[Run]) -> list[tuple[object, ...]]:
    """One row per run, with the settings that differ among runs of the method."""
    rows: list[tuple[object, ...]] = []
    for spec, run in ((run.spec, run) for run in runs):
        rivals = [other.spec.config for other in runs if other.spec.method == spec.method]
        varied = {
            key: value
            for key, value in spec.config.items()
            if any(rival[key] != value for rival in rivals)
        }
        text = ", ".join(f"{key} {value}" for key, value in varied.items())
        rows.append((spec.bits, spec.label, text, spec.seed, *_measured(run)))
    return rows


def _measured(run: Run) -> tuple[str, str]:
    try:
        report = run.report()
    except RunError:
        return "", ""
    return f"{100 * report.map:.1f}", f"{report.timings.get('training_s', 0.0):.1f}"


def _pairs(words: list[str] | None) -> list[tuple[str, str]]:
    pairs = [word.partition("=") for word in words or []]
    for key, equals, _ in pairs:
        if not equals:
            raise ValueError(f"--grid takes key=value,value,..., got {key!r}")
    return [(key, text) for key, _, text in pairs]


def _values(key: str, text: str) -> tuple[Any, ...]:
    return tuple(parsed_settings([f"{key}={word}"])[key] for word in text.split(","))


def _by_method(words: list[str] | None) -> dict[str, dict[str, Any]]:
    config: dict[str, dict[str, Any]] = {}
    for key, value in parsed_settings(words or []).items():
        method, dot, name = key.partition(".")
        if not dot:
            raise ValueError(f"--set takes method.key=value here, got {key!r}")
        config.setdefault(method, {})[name] = value
    return config
