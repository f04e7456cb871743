"""A run for a tracker of experiments: settings, history and report, by one seam for all of them.

tensorboard:FOLDER   event files
mlflow:ADDRESS       a server, or a folder as file:///folder
wandb:PROJECT        Weights & Biases; WANDB_MODE=offline writes files alone
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from models.installation import extra
from pipeline.runs.results import RunError
from pipeline.runs.run import Run

Facts = dict[str, str | int | float | bool]


class TrackerError(ValueError):
    """A run cannot be given to a tracker; the message says why and what to do."""


class Tracker(Protocol):
    """What a tracker takes; each is a few lines around its package."""

    def begin(self, run: str, dataset: str, settings: Facts) -> None:
        """Open a record of a run."""

    def step(self, epoch: int, values: dict[str, float]) -> None:
        """Add the values of an epoch, from 1."""

    def end(self, measures: dict[str, float], report: Path | None) -> None:
        """Add what was measured at the end, and the report's file, and close the record."""


def track(run: Run, target: str) -> int:
    """Give a finished run to a tracker.

    Args:
        run: whose settings, history and report.
        target: kind and place, such as `tensorboard:logs`.

    Returns:
        How many epochs were written.

    Raises:
        TrackerError: there is no such tracker, its package is missing, or it refuses.
        RunError: the run is damaged, or not done.
    """
    if run.state() != "done":
        raise RunError(f"run {run.id} is {run.state()}; only finished runs are tracked")
    tracker = open_tracker(target)
    history, settings, measures = run.history(), _settings_of(run), _measures_of(run)
    try:
        tracker.begin(run.id, run.spec.dataset, settings)
        for line in history:
            terms = line["terms"]
            assert isinstance(terms, dict)
            tracker.step(int(str(line["epoch"])), {str(name): float(terms[name]) for name in terms})
        tracker.end(measures, _report_of(run))
    except Exception as error:  # each package raises kinds of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TrackerError(f"{target} does not take the run: {reason}") from error
    return len(history)


def open_tracker(target: str) -> Tracker:
    """The tracker that `kind:place` names.

    Raises:
        TrackerError: there is none of that kind, no place, or its package is missing.
    """
    kind, _, place = target.partition(":")
    if kind not in _TRACKERS or not place:
        raise TrackerError(
            f"{target!r} is none of tensorboard:FOLDER, mlflow:ADDRESS, wandb:PROJECT"
        )
    package, make = _TRACKERS[kind]
    if find_spec(package) is None:
        raise TrackerError(f"{package} is not installed; {extra('trackers')}")
    return make(place)


class _TensorBoard:
    def __init__(self, place: str) -> None:
        self._folder = Path(place)

    def begin(self, run: str, dataset: str, settings: Facts) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self._folder / run))
        self._settings = {"dataset": dataset, **settings}

    def step(self, epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"loss/{name}", value, epoch)

    def end(self, measures: dict[str, float], report: Path | None) -> None:
        for name, value in measures.items():
            self._writer.add_scalar(f"report/{name}", value, 0)
        lines = ["| setting | value |", "| --- | --- |"]
        lines += [f"| {name} | {value} |" for name, value in self._settings.items()]
        self._writer.add_text("settings", "\n".join(lines))
        if report is not None:
            self._writer.add_text("report", f"```json\n{report.read_text('utf-8')}\n```")
        self._writer.close()


class _MLflow:
    def __init__(self, place: str) -> None:
        self._place = place

    def begin(self, run: str, dataset: str, settings: Facts) -> None:
        import mlflow

        mlflow.set_tracking_uri(self._place)
        mlflow.set_experiment(f"hashlens-{dataset}")
        self._mlflow = mlflow
        mlflow.start_run(run_name=run)
        mlflow.log_params({"dataset": dataset, **settings})

    def step(self, epoch: int, values: dict[str, float]) -> None:
        self._mlflow.log_metrics({f"loss/{name}": values[name] for name in values}, step=epoch)

    def end(self, measures: dict[str, float], report: Path | None) -> None:
        self._mlflow.log_metrics(measures)
        if report is not None:
            self._mlflow.log_text(report.read_text("utf-8"), report.name)
        self._mlflow.end_run()


class _Wandb:
    def __init__(self, place: str) -> None:
        self._project = place

    def begin(self, run: str, dataset: str, settings: Facts) -> None:
        import wandb

        config = {"dataset": dataset, **settings}
        self._run = wandb.init(project=self._project, name=run, config=config)

    def step(self, epoch: int, values: dict[str, float]) -> None:
        self._run.log({f"loss/{name}": values[name] for name in values}, step=epoch)

    def end(self, measures: dict[str, float], report: Path | None) -> None:
        import wandb

        self._run.summary.update(measures)
        if report is not None:
            self._run.save(str(report), base_path=str(report.parent), policy="now")
        self._run.finish()
        wandb.teardown()  # its own process writes the last lines, and ends with this


_TRACKERS: dict[str, tuple[str, Callable[[str], Tracker]]] = {
    "tensorboard": ("tensorboard", _TensorBoard),
    "mlflow": ("mlflow", _MLflow),
    "wandb": ("wandb", _Wandb),
}


def _settings_of(run: Run) -> Facts:
    """The spec, flat."""
    spec = run.spec.model_dump(mode="json")
    config = spec.pop("config") or {}
    named = {**spec, **{f"config.{name}": value for name, value in config.items()}}
    return {
        name: value if isinstance(value, str | int | float | bool) else str(value)
        for name, value in named.items()
        if value is not None and name != "dataset"
    }


def _measures_of(run: Run) -> dict[str, float]:
    """Metrics of the report by name; none where the run was not measured."""
    try:
        values = run.report().values
    except RunError:
        return {}
    return {name: float(value) for name, value in values.items() if value is not None}


def _report_of(run: Run) -> Path | None:
    path = run.folder / "report.json"
    return path if path.is_file() else None
