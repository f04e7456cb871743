"""Commands that execute runs: run, submit, worker and evaluate."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import (
    JsonOption,
    announce,
    console,
    current_settings,
    errors,
    limit_threads,
    print_table,
    progress_bars,
    say,
    say_json,
)
from pipeline.cli.experiments import carry_out
from pipeline.cli.opening import RunArgument, opened_run
from pipeline.cli.options import takes_options
from pipeline.cli.run_options import SpecOptions
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.evaluation.metric_table import METRICS
from pipeline.evaluation.rankings import HAMMING, RANKINGS, ranking_in_words
from pipeline.evaluation.relevance import LABELS, RELEVANCES, in_words, meaning
from pipeline.runs.experiment import Planned, find_lost, plan
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.wording import COMMAND

if TYPE_CHECKING:
    from pipeline.evaluation.report import Report


AgainOption = Annotated[bool, typer.Option(help="Repeat a run that is done already.")]


@takes_options
def run(options: SpecOptions, again: AgainOption = False) -> None:
    """Train and evaluate a method in the foreground. A finished equal run is shown instead."""
    from pipeline.runs.distributed import check, is_launched, joined, train_along

    wanted = options.asked()
    if not is_launched():
        return report_run(run_spec(wanted, again=again))
    check(wanted)
    with joined(current_settings()) as (number, settings):
        if number:
            limit_threads()
            return train_along(wanted, settings)
        return report_run(run_spec(wanted, again=True, settings=settings))


@takes_options
def submit(options: SpecOptions) -> None:
    """Queue a run for the worker."""
    queued = RunRegistry(current_settings()).create(options.asked())
    say(f"Queued {queued.id}. A worker executes it: {COMMAND} worker")


def worker(
    exit_when_idle: Annotated[bool, typer.Option(help="Stop when nothing is queued.")] = False,
    check: Annotated[bool, typer.Option(help="Only say whether a worker is alive.")] = False,
) -> None:
    """Execute queued runs, one at a time."""
    from pipeline.worker import heartbeat_age_s, is_alive, limit_memory, work

    settings = current_settings()
    if check:
        age = heartbeat_age_s(settings)
        say(f"last heard of {age:.0f} s ago" if age is not None else "never heard of")
        raise typer.Exit(0 if is_alive(settings) else 1)
    limit_threads()
    limit_memory(settings)
    announce("Waiting for queued runs; stop with Ctrl-C.")
    executed = work(settings, exit_when_idle=exit_when_idle)
    announce(f"Executed {executed} runs.")


def evaluate(
    run_id: RunArgument,
    labels: Annotated[
        str, typer.Option(help="Measure by this label set, as a run of its own, without training.")
    ] = "",
    relevance: Annotated[
        str,
        typer.Option(
            help=f"What is relevant to a query: {', '.join(RELEVANCES)}. "
            "Default: labels where these tell images apart, else neighbours@10."
        ),
    ] = "",
    ranking: Annotated[
        str, typer.Option(help=f"How codes put images in order: {', '.join(RANKINGS)}.")
    ] = HAMMING,
    json_: JsonOption = False,
) -> None:
    """Measure the codes of a run again: by labels, neighbours or copies, or ranked otherwise."""
    from pipeline.backbones import load_backbone
    from pipeline.features import FeatureCache
    from pipeline.runs.execute import follow_up
    from pipeline.runs.measurement import evaluate_run

    limit_threads()
    settings = current_settings()
    chosen = opened_run(run_id)
    dataset = load_dataset(chosen.spec.dataset, settings)
    if labels:
        from pipeline.runs.relabelling import relabelled

        trained, chosen = chosen, relabelled(chosen, dataset, labels, settings)
        if chosen.id != trained.id:
            say(f"Codes of {trained.id}, measured by {labels} -> {chosen.id}", to=errors)
    cache = FeatureCache(load_backbone(chosen.spec.backbone, settings), settings)
    with progress_bars(errors if json_ else console) as show:
        measured = evaluate_run(chosen, dataset, settings, cache, show, relevance, ranking).report
        follow_up(chosen, dataset, settings, cache, show, measured.relevance)
    if json_:
        report = json.loads(measured.model_dump_json())
        return say_json({"run": chosen.id, "report": report})
    return report_run(chosen, measured.relevance, ranking)


def run_spec(spec: RunSpec, *, again: bool = False, settings: Settings | None = None) -> Run:
    """Execute a spec with progress bars, unless it was executed before.

    Args:
        spec: spec of the run.
        again: execute it even if it was executed before; one that was killed resumes all the same.
        settings: of the first of several processes, which train along; None: there is one.

    Raises:
        RunError: it has failed, or another process executes it, for which several do not wait.
    """
    planned = plan([spec], current_settings())
    if again and planned[0].state == "done":
        planned = [Planned(spec, "new", None)]
    if settings and planned[0].state != "running" and (lost := find_lost(spec, settings)):
        planned = [Planned(spec, "queued", lost)]
    [outcome] = carry_out(
        planned,
        settings=settings,
        on_start=lambda run: say(f"{spec.label} on {spec.dataset} -> {run.id}"),
    )
    if outcome.state == "failed" or (settings and outcome.state == "running"):
        raise RunError(outcome.text)
    return outcome.run


def report_run(chosen: Run, relevance: str = "", ranking: str = HAMMING) -> None:
    """Print what was measured by a relevance and a ranking, with the protocol."""
    dataset = load_dataset(chosen.spec.dataset, current_settings())
    if not chosen.relevances:
        reason = chosen.status().unmeasured or "the data set has no labels"
        say(f"Nothing was evaluated: {reason}.")
        if "nearest" not in reason:  # a run of an earlier version, which knew labels alone
            say(f"By the neighbours of its features: {COMMAND} evaluate {chosen.id}")
        return _say_coverage(chosen, dataset)
    report = chosen.report(relevance, ranking)
    if report.relevance != LABELS:
        say(f"Relevant: {in_words(report.relevance)}. {meaning(report.relevance)}")
    say(f"Protocol {report.protocol.name}: {report.protocol.summary}")
    if ranking != HAMMING:
        cold = report.cold_bytes_per_item
        say(
            f"Ranked by {ranking_in_words(ranking)}: {report.bytes_per_item:,} bytes per image in "
            f"memory, {cold:,} on the disk, {1000 * report.timings['search_s']:.3f} ms per search"
        )
    say(f"{report.n_query:,} queries, {report.n_database:,} database images")
    _say_coverage(chosen, dataset)
    rows = [(f"{name}, chosen", str(value)) for name, value in chosen.status().chosen.items()]
    return print_table(("measure", "value"), [*_measures(report), *rows], chosen.spec.label)


def _say_coverage(chosen: Run, dataset: RetrievalDataset) -> None:
    """How many images were measured, how many trained without a label, how many have a code."""
    from pipeline.datasets.class_counts import labelled_words
    from pipeline.index.coverage import in_words, searched_codes
    from pipeline.runs.ground_truth import relevance_labels

    if measured := labelled_words(dataset, relevance_labels(dataset, chosen.spec)):
        n_unlabelled = chosen.status().n_unlabelled
        also = f"; {n_unlabelled:,} without one trained as well" if n_unlabelled else ""
        say(f"{measured}{also}.")
    covered = in_words(len(searched_codes(chosen)[1]), len(dataset), "all")
    say(f"Codes to publish: {covered}.")


def _measures(report: Report) -> list[tuple[str, str]]:
    interval = f"{percent(report.ci_low)} to {percent(report.ci_high)}"
    values = [
        (metric.heading, metric.text(report.value(metric.name)) or "not measured")
        for metric in METRICS.values()
        if report.values.get(metric.name, math.nan) is not None  # else it has no such value
    ]
    timings = [(name, f"{value:.2f}") for name, value in report.timings.items()]
    return [*values, ("mAP %, 95 % interval", interval), *timings]


def percent(value: float) -> str:
    """Write a share as percent, or that it was not measured."""
    return "not measured" if math.isnan(value) else f"{100 * value:.1f}"
