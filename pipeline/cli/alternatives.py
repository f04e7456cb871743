"""The command alternatives: what the features reach when they are stored in other ways."""

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
from pipeline.evaluation.relevance import in_words

if TYPE_CHECKING:
    from pipeline.evaluation.report import Report
    from pipeline.runs.alternatives import Alternative
    from pipeline.runs.ground_truth import GroundTruth

_METRICS = tuple(
    METRICS[name] for name in ("map", "precision_at_10", "ndcg_at_100", "neighbours_at_10")
)


@takes_options
def measure(
    options: DataOptions,
    relevance: RelevanceOption = "",
    seed: Annotated[int, typer.Option(min=0, help="Of clustering and random rotations.")] = 0,
    json_: JsonOption = False,
) -> None:
    """Measure what codes stand against: float, int8, PCA, product quantization, signs.

    What was measured before is not measured again.
    """
    from pipeline.runs.alternative_reports import measure_alternatives, obstacles

    limit_threads()
    settings = current_settings()
    truth, cache = features_and_truth(options, relevance)
    with progress_bars(errors if json_ else console) as show:
        reports = measure_alternatives(truth, settings, cache, seed=seed, on_progress=show)
    left_out = obstacles(truth, cache.backbone.dim)
    if json_:
        return say_json(
            {
                "measured": {
                    one.name: report.model_dump(mode="json") for one, report in reports.items()
                },
                "left_out": {one.name: reason for one, reason in left_out.items()},
            }
        )
    for alternative, reason in left_out.items():
        say(f"{alternative.title} ({alternative.name}) {reason}.")
    return _print_reports(truth, reports)


def _print_reports(truth: GroundTruth, reports: dict[Alternative, Report]) -> None:
    """The protocol, and a row per alternative, the largest first."""
    any_report = next(iter(reports.values()))
    relevant = in_words(truth.relevance, truth.key)
    spec = truth.spec
    say(f"{spec.dataset}, {spec.backbone}, protocol {spec.protocol}, relevant: {relevant}")
    say(f"{truth.protocol.summary} {any_report.notes[0]}")
    say(f"{any_report.n_query:,} queries, {any_report.n_database:,} database images")
    headings = [metric.heading for metric in _METRICS]
    times = ("train s", "encode ms", "search ms")
    rows = [
        (
            alternative.title,
            f"{report.bytes_per_item:,}",
            f"{100 * report.map:.1f} ± {100 * report.half_width:.1f}",
            *(metric.text(report.value(metric.name)) for metric in _METRICS[1:]),
            *_times(report),
        )
        for alternative, report in reports.items()
    ]
    print_table(
        ("alternative", "bytes", *headings, *times),
        rows,
        optional=[*reversed(times), *reversed(headings[1:])],
        has_json=True,
    )
    say("Encoding in ms per 1,000 images from their features; search in ms per query, exact scan.")


def _times(report: Report) -> tuple[str, str, str]:
    n_images = report.n_query + report.n_database
    return (
        f"{report.timings['training_s']:.1f}",
        f"{1e6 * report.timings['encoding_s'] / n_images:.1f}",
        f"{1000 * report.timings['search_s']:.3f}",
    )
