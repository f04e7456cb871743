"""What was asked of several runs, side by side: only where they differ, unless all is wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pandas as pd

from pipeline.analysis.leaderboard import METRICS_SHOWN, model_name
from pipeline.evaluation.report import Report
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

_COSTS: dict[str, tuple[Callable[[Report], float], str]] = {
    "Training (s)": (lambda report: report.timings.get("training_s", 0.0), ".1f"),
    "Bytes per image": (lambda report: report.bytes_per_item, ".0f"),
}


def settings_table(
    settings: Settings, runs: Sequence[str], *, only_differences: bool = True
) -> pd.DataFrame:
    """Table with a row per setting and a column per run; the first column is Setting.

    Raises:
        RunError: a run is gone.
    """
    registry = RunRegistry(settings)
    specs = [registry.open(run).spec for run in runs]
    flattened = [_flat(spec.model_dump(mode="json")) for spec in specs]
    keys = dict.fromkeys(key for flat in flattened for key in flat)
    names = _distinct([f"{model_name(spec)} · {spec.bits} bits" for spec in specs])
    rows = []
    for key in keys:
        values = [flat.get(key, "–") for flat in flattened]
        if not only_differences or len(set(values)) > 1:
            rows.append([key, *values])
    return pd.DataFrame(rows, columns=["Setting", *names])


def measures_table(settings: Settings, runs: Sequence[str]) -> pd.DataFrame:
    """Table with a row per measure and a column per run; the first column is Measure.

    Shares are in percent. Runs after the first have their difference to it in brackets.

    Raises:
        RunError: a run is gone or has no report.
    """
    registry = RunRegistry(settings)
    opened = [registry.open(run) for run in runs]
    names = _distinct([f"{model_name(run.spec)} · {run.spec.bits} bits" for run in opened])
    reports = [run.report() for run in opened]
    measured = [
        (metric.heading, [metric.factor * report.value(metric.name) for report in reports])
        for metric in METRICS_SHOWN
    ]
    rows = [[name, *_beside(values, ".1f")] for name, values in measured]
    costs = [
        [name, *_beside([cost(report) for report in reports], form)]
        for name, (cost, form) in _COSTS.items()
    ]
    return pd.DataFrame([*rows, *costs], columns=["Measure", *names])


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{key}.")
        else:
            flat[prefix + key] = "–" if value in (None, "") else str(value)
    return flat


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered where one occurs again."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    count: dict[str, int] = {}
    distinct = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        distinct.append(f"{name} ({count[name]})" if seen[name] > 1 else name)
    return distinct


def _beside(values: Sequence[float], form: str) -> list[str]:
    """The values, those after the first with their difference to it; a dash for what is unknown."""
    first, *others = values

    def text(value: float) -> str:
        return "–" if math.isnan(value) else f"{value:{form}}"

    def with_difference(value: float) -> str:
        is_known = not math.isnan(value - first)
        return text(value) + (f" ({value - first:+{form}})" if is_known else "")

    return [text(first), *map(with_difference, others)]
