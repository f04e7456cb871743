"""Runs as the Runs page shows them: state, progress, time left, alerts, history, log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd

from pipeline.analysis.comparisons import labels_by_default, told_apart
from pipeline.analysis.training_history import number_of, terms_of, terms_table
from pipeline.evaluation.code_statistics import CodeStatistics, code_statistics
from pipeline.evaluation.metric_table import METRICS
from pipeline.evaluation.report import Report
from pipeline.index.publish import read_index
from pipeline.jobs import HEARTBEAT, is_silent
from pipeline.runs.log import tail
from pipeline.runs.registry import RunRegistry
from pipeline.runs.requirements import keeps_checkpoints
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.status import RunStatus
from pipeline.settings import Settings

LIVE = ("queued", "running", "stopping")
_STOPS = {
    True: "It stops within a mini-batch. Resume continues from its last checkpoint.",
    False: "It stops after the step or round it is in. Resume restarts its training; "
    "computed features are kept.",
}
_MOST = 300  # runs in the table
_RECENT = 5  # epochs that the time left is estimated from


@dataclass(frozen=True)
class RunRow:
    """One run of the table.

    Attributes:
        id: of the run.
        label: method, bits and what sets it apart, for people.
        state: queued, running, stopping, done, failed, stopped or lost.
        stage: what it does now; a finished one may still measure baselines. Empty for nothing.
        share: of the stage that is done, in [0, 1]; None where unknown.
        elapsed_s: since its start; None before.
        left_s: expected until training ends; None where unknown.
        losses: sum of the loss terms, an entry per epoch.
        map: mAP of the finished run, in [0, 1].
        place: in the queue, from 1; 0 elsewhere.
        labels: name of the label set that decides relevance; empty where there is none.
        protocol: that it is measured under.
        apart: words for behind the label, where runs of the data set differ in these.
    """

    id: str
    label: str
    dataset: str
    seed: int
    sweep: str
    state: str
    stage: str
    share: float | None
    elapsed_s: float | None
    left_s: float | None
    losses: tuple[float, ...]
    map: float | None
    created: str
    place: int = 0
    labels: str = ""
    protocol: str = ""
    apart: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it may still change by itself."""
        return self.state in LIVE or bool(self.stage)


@dataclass(frozen=True)
class RunDetail:
    """One run in full.

    Attributes:
        history: columns epoch, term, value; the loss terms.
        validation: columns epoch, map in percent; empty unless images were held out.
        log: its last lines.
        asked: settings with their values, and what the method chose where they left it open.
        environment: where and with what it was executed.
        alerts: what is wrong with it, a sentence each.
        error: why it failed; empty otherwise.
        is_published: whether it has an index.
        on_stop: what a stop does, in a sentence for people.
        measures: columns measure and value, as shown; empty where nothing was measured.
        interval: ends of the 95 % interval of mAP, in [0, 1].
    """

    job: RunRow
    history: pd.DataFrame
    validation: pd.DataFrame
    log: tuple[str, ...]
    asked: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    alerts: tuple[str, ...]
    error: str
    is_published: bool
    on_stop: str
    measures: pd.DataFrame
    interval: tuple[float, float]


def list_runs(settings: Settings, sweep: str = "") -> list[RunRow]:
    """What runs, then what waits in its order, then the rest, newest first; all, or a sweep's."""
    found: list[tuple[Run, RunStatus]] = []
    for run in RunRegistry(settings).all():
        try:
            found.append((run, run.status()))
        except RunError:
            continue  # deleted meanwhile
    waiting = sorted(status.created for _, status in found if status.state == "queued")
    chosen = [(run, status) for run, status in found if sweep in ("", status.sweep)]
    chosen.sort(key=lambda pair: pair[1].created, reverse=True)
    default_labels = labels_by_default(settings)
    apart = told_apart([run.spec for run, _ in chosen], default_labels)
    jobs = [
        replace(_run_row(run, status, waiting, default_labels), apart=words)
        for (run, status), words in zip(chosen[:_MOST], apart, strict=False)
    ]
    return sorted(jobs, key=lambda job: (not job.is_live, job.place))


def sweeps(jobs: Iterable[RunRow]) -> list[str]:
    """Names of the sweeps, newest first."""
    return sorted({job.sweep for job in jobs if job.sweep}, reverse=True)


def open_job(settings: Settings, run_id: str) -> RunDetail:
    """One run in full.

    Raises:
        RunError: it is not there any more, or damaged.
    """
    run = RunRegistry(settings).open(run_id)
    status, history = run.status(), run.history()
    report, _ = _measured(run)
    return RunDetail(
        job=_run_row(run, status, [], labels_by_default(settings)),
        history=terms_table(history),
        validation=_validation(history),
        log=tuple(tail(run.folder)),
        asked=_asked(run, status),
        environment=_environment(status),
        alerts=(*_outdated(run), *alerts(run, history)),
        error=status.error,
        is_published=read_index(run) is not None,
        on_stop=_STOPS[keeps_checkpoints(run.spec.method)],
        measures=_measures(report),
        interval=(report.ci_low, report.ci_high) if report else (math.nan, math.nan),
    )


def stop(settings: Settings, run_id: str) -> None:
    """Take it out of the queue, or ask it to stop."""
    RunRegistry(settings).open(run_id).stop()


def resume(settings: Settings, run_id: str) -> None:
    """Queue it again: it goes on where it was.

    Raises:
        RunBusy: a process executes it.
    """
    RunRegistry(settings).open(run_id).requeue()


def delete(settings: Settings, run_id: str) -> None:
    """Remove the folder of a run without an index.

    Raises:
        RunBusy: a process executes it.
    """
    registry = RunRegistry(settings)
    registry.delete(registry.open(run_id))


def alerts(run: Run, history: Sequence[dict[str, object]]) -> list[str]:
    """What is wrong with a run, a sentence each."""
    found = []
    if any(not math.isfinite(value) for line in history[-1:] for value in terms_of(line).values()):
        epoch = history[-1]["epoch"]
        found.append(f"The loss is not a number (epoch {epoch}). Try a smaller learning rate.")
    report, codes = _measured(run)
    if codes is not None and codes.distinct == 1:
        found.append("All codes are equal: this run cannot tell any two images apart.")
    elif codes is not None and codes.dead_bits:
        found.append(f"{codes.dead_bits} of {codes.bits} bits are the same in every code.")
    if report is not None and codes is not None and report.map < _chance(run):
        found.append(
            f"mAP {100 * report.map:.1f} is below that of a random order, {100 * _chance(run):.1f}."
        )
    return found


def _measures(report: Report | None) -> pd.DataFrame:
    """What was measured, by the names and in the units of all tables."""
    shown = [
        (metric.heading, float(metric.text(value)))
        for metric in METRICS.values()
        if report is not None
        and (value := report.values.get(metric.name)) is not None
        and metric.text(value)
    ]
    return pd.DataFrame(shown, columns=["measure", "value"])


def _outdated(run: Run) -> list[str]:
    """What this version no longer understands of the run, in a sentence."""
    reason = run.spec.problem()
    rest = "Its stored results are shown; it cannot be queued again unchanged."
    return [f"Made by another version ({reason}). {rest}"] if reason else []


def _measured(run: Run) -> tuple[Report | None, CodeStatistics | None]:
    """The report and the statistics of the database codes, as far as there are any."""
    try:
        report = run.report()
    except RunError:
        report = None
    if report is not None and report.codes is not None:
        return report, report.codes
    try:
        return report, code_statistics(run.load_codes("database")[0])
    except (RunError, ValueError):
        return report, None


def _chance(run: Run) -> float:
    """The share of relevant images, which a random order has as its precision at every rank."""
    try:
        return float(run.curves().precision[-1])
    except RunError:
        return 0.0


def _run_row(
    run: Run, status: RunStatus, waiting: Sequence[str], default_labels: Mapping[str, str]
) -> RunRow:
    state = _state(run, status)
    is_busy = state in ("running", "stopping") or _measures_baselines(run, status)
    history = run.history()
    try:
        measured: float | None = run.report().map if state == "done" else None
    except RunError:
        measured = None
    return RunRow(
        id=run.id,
        label=run.spec.label,
        dataset=run.spec.dataset,
        seed=run.spec.seed,
        sweep=status.sweep,
        state=state,
        stage=status.stage if is_busy else "",
        share=_share(status, state, is_busy=is_busy),
        elapsed_s=_elapsed_s(status),
        left_s=_left_s(history) if state == "running" and status.stage == "training" else None,
        losses=tuple(sum(terms.values()) for line in history if (terms := terms_of(line))),
        map=measured,
        created=status.created,
        place=1 + waiting.index(status.created) if status.created in waiting else 0,
        labels=run.spec.label_set or default_labels.get(run.spec.dataset, ""),
        protocol=run.spec.protocol,
    )


def _state(run: Run, status: RunStatus) -> str:
    """The state in the page's words; asking again only where a silent heart makes it lost."""
    if status.state == "running" and run.state() == "lost":
        return "lost"
    if status.state in ("queued", "running") and run.is_stopping():
        return "stopping"
    return "stopped" if status.state == "cancelled" else status.state


def _measures_baselines(run: Run, status: RunStatus) -> bool:
    """Whether a finished run's process is still at work; a killed one has left the stage behind."""
    if status.state != "done" or not status.stage:
        return False
    return not is_silent(run.folder / HEARTBEAT)


def _share(status: RunStatus, state: str, *, is_busy: bool) -> float | None:
    if state == "done" and not is_busy:
        return 1.0
    return min(status.done / status.total, 1.0) if status.total else None


def _elapsed_s(status: RunStatus) -> float | None:
    if not status.started:
        return None
    until = datetime.fromisoformat(status.finished) if status.finished else datetime.now(UTC)
    return max((until - datetime.fromisoformat(status.started)).total_seconds(), 0.0)


def _left_s(history: Sequence[dict[str, object]]) -> float | None:
    """Seconds to the last epoch at the pace of the recent ones; None at the very start."""
    if len(history) < 2:
        return None
    first, last = history[-min(_RECENT, len(history))], history[-1]
    epochs = number_of(last["epoch"]) - number_of(first["epoch"])
    pace = (number_of(last["seconds"]) - number_of(first["seconds"])) / epochs
    return pace * (number_of(last["n_epochs"]) - number_of(last["epoch"]))


def _validation(history: Sequence[dict[str, object]]) -> pd.DataFrame:
    rows = [
        (int(number_of(line["epoch"])), 100 * number_of(line["validation_map"]))
        for line in history
        if "validation_map" in line
    ]
    return pd.DataFrame(rows, columns=["epoch", "map"])


def _asked(run: Run, status: RunStatus) -> tuple[tuple[str, str], ...]:
    asked = run.spec.model_dump(mode="json")
    config, tuned = asked.pop("config"), asked.pop("finetune") or {}
    pairs = [
        *asked.items(),
        *config.items(),
        *((f"{name}, chosen by the method", value) for name, value in status.chosen.items()),
        *((f"fine-tuning: {name}", value) for name, value in tuned.items()),
    ]
    return tuple((name.replace("_", " "), str(value)) for name, value in pairs if value != "")


def _environment(status: RunStatus) -> tuple[tuple[str, str], ...]:
    facts = {
        "host": status.host,
        "process": str(status.pid or ""),
        "threads": str(status.threads or ""),
        "device": status.device,
        "memory": f"{status.memory_mb:,.0f} MB" if status.memory_mb else "",
        "attempts": str(status.attempts or ""),
        "code": status.commit,
        **status.versions,
        **{f"{name} took": f"{seconds:.1f} s" for name, seconds in status.timings.items()},
    }
    return tuple((name, value) for name, value in facts.items() if value)
