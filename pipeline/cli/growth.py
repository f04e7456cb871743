"""The command growth: how quality and time change as the database grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import (
    JsonOption,
    console,
    current_settings,
    errors,
    limit_threads,
    print_table,
    progress_bars,
    say,
    say_json,
)
from pipeline.cli.options import takes_options
from pipeline.cli.run_options import DataOptions, features_and_truth
from pipeline.evaluation.metric_table import METRICS

if TYPE_CHECKING:
    from pipeline.runs.growth_report import GrowthReport


@takes_options
def measure(
    options: DataOptions,
    distractors: Annotated[
        str,
        typer.Option(
            help="What is added: `unlabelled` images of the data set, another data set by name, or "
            "`subsamples` to thin the database instead. Default: unlabelled, where there are any."
        ),
    ] = "",
    alternative: Annotated[
        list[str] | None,
        typer.Option(help="An alternative to measure beside the runs; can be repeated."),
    ] = None,
    most: Annotated[float, typer.Option(min=1, help="Largest multiple of the database.")] = 100,
    queries: Annotated[int, typer.Option(min=1, help="Most queries, drawn evenly.")] = 250,
    images: Annotated[int, typer.Option(min=1, help="Most images of all.")] = 200_000,
    json_: JsonOption = False,
) -> None:
    """Measure runs and alternatives while the database grows by images that are not relevant.

    From 1 to 100 times the database, as far as there are real images; queries and training stay.
    """
    from pipeline.evaluation.relevance import LABELS
    from pipeline.runs.growth import GROWN, measure_growth

    limit_threads()
    truth, cache = features_and_truth(options, LABELS)
    with progress_bars(errors if json_ else console) as show:
        report = measure_growth(
            truth,
            current_settings(),
            cache,
            grows_by=distractors,
            alternatives=tuple(alternative or GROWN),
            most=most,
            n_query=queries,
            n_images=images,
            on_progress=lambda _, done, total: show("growth", done, total),
        )
    if json_:
        return say_json(report.model_dump(mode="json"))
    return _print_report(report)


def _print_report(report: GrowthReport) -> None:
    """The protocol, the finding, and a row per curve and size."""
    from pipeline.analysis.growth_table import growth_finding, growth_points, growth_table

    say(report.sentence)
    for title, reason in report.left_out.items():
        say(f"{title} is left out: {reason}.")
    metric = METRICS["map"]
    if finding := growth_finding(growth_points(report, metric), report, metric):
        say(finding)
    table = growth_table(report)
    if table.empty:
        return say("Nothing was measured: no run of these conditions is finished.")
    qualities = [name for name in table.columns if name.endswith("%")]
    rows = [
        (
            row["Stored"],
            f"{row['Bytes']:,}",
            f"{row['Images']:,}",
            f"{row['Times']:g}",
            *("" if row[name] != row[name] else f"{row[name]:.1f}" for name in qualities),
            f"{row['Search (ms)']:.3f}",
        )
        for row in table.to_dict("records")
    ]
    return print_table(
        ("stored", "bytes", "images", "times", *qualities, "search ms"),
        rows,
        optional=["search ms", *reversed(qualities[1:])],
        has_json=True,
    )
