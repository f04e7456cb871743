"""Commands that compare: ablate takes one method apart, bench sets many side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.registry import list_methods
from pipeline.cli.console import (
    JsonOption,
    console,
    current_settings,
    errors,
    print_table,
    say,
    say_json,
)
from pipeline.cli.experiments import carry_out, end, reporting
from pipeline.cli.options import takes_options
from pipeline.cli.run_options import DataOptions, MethodOptions, SeedsOption
from pipeline.evaluation.relevance import LABELS, in_words
from pipeline.files import write_atomic
from pipeline.runs.experiment import Outcome, plan
from pipeline.runs.spec import RunSpec
from pipeline.spreadsheets import to_csv

if TYPE_CHECKING:
    import pandas as pd


@takes_options
def bench(
    options: DataOptions,
    methods: Annotated[str, typer.Option(help="Names with commas between, or all.")] = "all",
    bits: Annotated[str, typer.Option(help="Code lengths with commas between.")] = "16,32,64",
    seeds: SeedsOption = 3,
    without_label: Annotated[
        str, typer.Option(help="Further columns whose relevance leaves this label out.")
    ] = "",
    markdown_: Annotated[
        Path | None, typer.Option("--markdown", help="A file for the table in Markdown.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Compare methods on one data set; what was run before is not run again.

    The exit code is 1 where a run failed; the others are shown all the same.
    """
    from pipeline.runs.benchmark import compare
    from pipeline.runs.benchmark_table import LEGEND, markdown

    settings = current_settings()
    if markdown_ is not None and not markdown_.parent.is_dir():  # before hours of work, not after
        raise ValueError(f"--markdown: there is no folder {markdown_.parent}")
    names = (
        list_methods() if methods == "all" else tuple(name.strip() for name in methods.split(","))
    )
    base = RunSpec.model_validate(options.conditions() | {"method": names[0]})
    outcomes: list[Outcome] = []
    with reporting(errors if json_ else console, outcomes.append) as (say_outcome, show):
        result = compare(
            base,
            names,
            _numbers(bits),
            seeds,
            settings,
            without=without_label,
            on_outcome=say_outcome,
            on_progress=show,
        )
    name = f"{base.dataset}_{base.label_set}_{base.backbone}_{base.protocol}_{base.split_seed}.csv"
    path = settings.home / "benchmarks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, to_csv(result))
    summary = f"{base.dataset}, {base.backbone}, protocol {base.protocol}: "
    summary += f"{base.evaluation_protocol().summary} {_relevant(outcomes)}{LEGEND}"
    if markdown_ is not None:
        write_atomic(markdown_, f"{summary}\n\n{markdown(result, without_label)}\n", is_noted=False)
    if json_:
        say_json(json.loads(result.to_json(orient="records", double_precision=15)))
    else:
        _print_board(result, without_label, summary)
        for written in (path, markdown_) if markdown_ is not None else (path,):
            say(f"Written to {written}")
    end(outcomes)


def _relevant(outcomes: list[Outcome]) -> str:
    """What the runs were measured by, where no label decided."""
    found = {one.run.relevances[0] for one in outcomes if one.is_done and one.run.relevances}
    return "".join(f"Relevant: {in_words(one)}. " for one in sorted(found - {LABELS}))


@takes_options
def ablate(
    method: Annotated[str, typer.Argument(help="A method whose card names ablations.")],
    options: MethodOptions,
    seeds: SeedsOption = 3,
) -> None:
    """Switch off one part of a method at a time; what was run before is not run again.

    The exit code is 1 where a run failed; the others are shown all the same.
    """
    from pipeline.runs.ablation import table, text_table, variants

    settings = current_settings()
    base = options.asked_of(method)
    study = variants(base, seeds)
    outcomes = carry_out(plan([spec for variant in study for spec in variant.specs], settings))
    result = table(
        study, {outcome.run.spec.digest: outcome.run for outcome in outcomes if outcome.is_done}
    )
    path = (
        settings.home / "ablations" / f"{base.dataset}_{method}_{base.bits}b_{base.digest[:8]}.csv"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, to_csv(result))
    say(base.evaluation_protocol().summary)
    names, rows = text_table(result)
    kept = ("variant", "mAP %", "difference (95 %)")
    less = [name for name in reversed(names) if name not in kept]
    print_table(names, rows, base.label, optional=less)
    say(f"Written to {path}")
    end(outcomes)


def _print_board(result: pd.DataFrame, without_label: str, summary: str) -> None:
    """The table of a benchmark; what is measured apart from mAP gives way first."""
    from pipeline.runs.benchmark_table import text_table

    names, rows = text_table(result, without_label)
    say(summary)
    kept = ("ranking", "bits", "mAP %")
    print_table(names, rows, optional=[n for n in reversed(names) if n not in kept], has_json=True)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(f"--bits takes code lengths like 16,32,64, got {text!r}") from error
