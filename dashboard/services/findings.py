"""One sentence that says what a leaderboard shows, and whether it shows it beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline.metrics import paired_bootstrap
from pipeline.runs import RunError, RunRegistry
from pipeline.settings import Settings


@dataclass(frozen=True)
class Finding:
    """A sentence, and whether the difference it names could be chance."""

    sentence: str
    is_doubtful: bool


def leading_gap(settings: Settings, rows: pd.DataFrame) -> Finding | None:
    """Compare the best row with the next one of the same code length.

    Both were measured on the same queries, so the gap is tested query by query (paired bootstrap of
    the runs with the lowest seed).

    Args:
        settings: where the runs are.
        rows: a leaderboard, best first.

    Returns:
        None when there is nothing to compare.
    """
    if rows.empty:
        return None
    best = rows.iloc[0]
    rivals = rows[(rows["bits"] == best["bits"]) & (rows.index != rows.index[0])]
    if rivals.empty:
        return None
    rival = rivals.iloc[0]
    gap = 100 * (best["map"] - rival["map"])
    names = f"{best['model']} and {rival['model']} at {best['bits']} bits"
    try:
        registry = RunRegistry(settings)
        first, second = (registry.open(row["run"]).curves().per_query_ap for row in (best, rival))
        interval = paired_bootstrap(first, second)
    except (RunError, ValueError):
        return None
    span = f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"
    if interval.low <= 0:
        return Finding(
            f"These queries do not separate {names}: the gap of {gap:.1f} points may be chance "
            f"(95 % interval of the paired difference: {span}).",
            is_doubtful=True,
        )
    overlap = gap < 100 * max(best["half"], rival["half"])
    note = (
        " The separate intervals in the table overlap; the paired comparison on the same queries "
        "is the sharper test."
        if overlap
        else ""
    )
    return Finding(
        f"{best['model']} is ahead of {rival['model']} at {best['bits']} bits by {gap:.1f} points "
        f"(95 % interval of the paired difference: {span}).{note}",
        is_doubtful=False,
    )
