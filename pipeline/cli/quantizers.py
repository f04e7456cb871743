"""The command quantizers: what the database's own compression of the features reaches."""

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
from pipeline.cli.run_options import DataOptions, RelevanceOption, features_and_truth
from pipeline.evaluation.metric_table import METRICS

if TYPE_CHECKING:
    from pipeline.index.quantizer_report import QuantizerReport

_METRICS = ("map", "precision_at_10", "ndcg_at_100", "neighbours_at_10")


@takes_options
def measure(
    options: DataOptions,
    relevance: RelevanceOption = "",
    queries: Annotated[int, typer.Option(min=1, help="Most queries, drawn evenly.")] = 250,
    images: Annotated[int, typer.Option(min=11, help="Most database images.")] = 20_000,
    json_: JsonOption = False,
) -> None:
    """Measure the quantizers of the engine: scalar, binary, product, TurboQuant.

    On the features as they are and centred; all vectors are scanned, nothing is rescored.
    """
    from pipeline.index.quantizers import measure_quantizers

    limit_threads()
    settings = current_settings()
    truth, cache = features_and_truth(options, relevance)
    with progress_bars(errors if json_ else console) as show:
        report = measure_quantizers(
            truth,
            settings,
            cache,
            lambda done, total: show("quantizers", done, total),
            n_query=queries,
            n_database=images,
        )
    if json_:
        return say_json(report.model_dump(mode="json"))
    return _print_report(report)


def _print_report(report: QuantizerReport) -> None:
    from pipeline.index.quantizer_report import quantizer_table

    say(report.sentence)
    for title, reason in report.left_out_titles.items():
        say(f"{title} is left out: {reason}.")
    table = quantizer_table(report)
    names = [METRICS[name].heading for name in _METRICS]
    rows = [
        (
            row["Quantizer"],
            row["Features"],
            row["Bytes"],
            f"{row['mAP']:.1f} ± {row['± mAP']:.1f}",
            *(f"{row[METRICS[name].title]:.1f}" for name in _METRICS[1:]),
            f"{row['Search (ms)']:.2f}",
            f"{row['Build (s)']:.1f}",
        )
        for row in table.to_dict("records")
    ]
    print_table(
        ("quantizer", "features", "bytes", *names, "search ms", "build s"),
        [tuple(map(str, row)) for row in rows],
        optional=["build s", "search ms", *reversed(names[1:])],
        has_json=True,
    )
