"""Losses over the epochs: of several runs on one scale, and the terms of one."""

from __future__ import annotations

import pandas as pd

from pipeline.analysis.training_history import terms_table
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings

_COLUMNS = ("model", "method", "bits", "at", "x", "y", "low", "high", "is_point")
_MOST_POINTS = 101


def training_table(settings: Settings, rows: pd.DataFrame, *, is_share: bool) -> pd.DataFrame:
    """The loss of each leaderboard row's first seed over the epochs; columns as `curve_table`.

    Methods without epochs are left out, and values that the chosen scale does not have.

    Args:
        settings: say where the runs are.
        rows: rows of a leaderboard.
        is_share: show a share of the first value, since losses of different methods have different
            units; else the values, of which a logarithmic scale has those above 0.
    """
    parts = []
    for row in rows.to_dict("records"):
        loss = _terms(settings, row["run"]).groupby("epoch")["value"].sum()
        if len(loss) < 2 or not loss.iloc[0]:
            continue
        loss = loss.iloc[:: -(-len(loss) // _MOST_POINTS)]
        course = loss / abs(loss.iloc[0]) if is_share else loss[loss > 0]
        table = pd.DataFrame({"at": course.index, "x": course.index, "y": course.to_numpy()})
        parts.append(
            table.assign(
                low=table["y"],
                high=table["y"],
                is_point=False,
                **{name: row[name] for name in ("model", "method", "bits")},
            )
        )
    names = list(_COLUMNS)
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def terms_by_length(settings: Settings, rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The loss terms of the first seed of each row by code length: columns epoch, term, value."""
    terms = {int(row["bits"]): _terms(settings, row["run"]) for row in rows.to_dict("records")}
    return {bits: terms[bits] for bits in sorted(terms) if len(terms[bits])}


def _terms(settings: Settings, run_id: str) -> pd.DataFrame:
    try:
        return terms_table(RunRegistry(settings).open(run_id).history())
    except (RunError, ValueError):
        return terms_table([])
