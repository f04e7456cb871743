"""What was asked of several runs, side by side: only where they differ, unless all is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from pipeline.analysis.leaderboard import model_name
from pipeline.evaluation.report import Report
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

_MEASURES: dict[str, tuple[Callable[[Report], float | None], str]] = {
    "mAP": (lambda report: 100 * report.map, ".1f"),
    "P@100": (lambda report: _percent(report.precision_at.get(100)), ".1f"),
    "P@H≤2": (lambda report: _percent(report.precision_radius_2), ".1f"),
    "Lookup": (lambda report: _percent(report.lookup_success), ".1f"),
    "NDCG@100": (lambda report: 100 * report.ndcg_at_100, ".1f"),
    "Training (s)": (lambda report: report.timings.get("training_s", 0.0), ".1f"),
    "Bytes": (lambda report: report.bytes_per_item, ".0f"),
}


def settings_table(
    settings: Settings, runs: Sequence[str], *, only_differences: bool = True
) -> pd.DataFrame:
    """A row a setting, a column a run; first column Setting.

    Raises:
        RunError: a run is gone.
    """
    registry = RunRegistry(settings)
    specs = [registry.open(run).spec for run in runs]
    asked = [_flat(spec.model_dump(mode="json")) for spec in specs]
    keys = dict.fromkeys(key for one in asked for key in one)
    names = _distinct([f"{model_name(spec)} · {spec.bits} bits" for spec in specs])
    rows = []
    for key in keys:
        values = [one.get(key, "–") for one in asked]
        if not only_differences or len(set(values)) > 1:
            rows.append([key, *values])
    return pd.DataFrame(rows, columns=["Setting", *names])


def measures_table(settings: Settings, runs: Sequence[str]) -> pd.DataFrame:
    """A row a measure, a column a run; first column Measure, shares in percent.

    Runs after the first have their difference to it in brackets.

    Raises:
        RunError: a run is gone or has no report.
    """
    registry = RunRegistry(settings)
    opened = [registry.open(run) for run in runs]
    names = _distinct([f"{model_name(run.spec)} · {run.spec.bits} bits" for run in opened])
    reports = [run.report() for run in opened]
    rows = [
        [name, *_beside([measure(report) for report in reports], form)]
        for name, (measure, form) in _MEASURES.items()
    ]
    return pd.DataFrame(rows, columns=["Measure", *names])


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


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _beside(values: Sequence[float | None], form: str) -> list[str]:
    """The values, those after the first with their difference to it."""
    first, *others = values
    known = "–" if first is None else f"{first:{form}}"
    return [
        known,
        *(
            "–"
            if one is None
            else f"{one:{form}}" + ("" if first is None else f" ({one - first:+{form}})")
            for one in others
        ),
    ]
