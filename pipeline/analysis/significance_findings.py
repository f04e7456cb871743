"""What a leaderboard shows in a sentence, and whether its queries show it beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.evaluation.bootstrap import Gap, gaps
from pipeline.evaluation.rankings import HAMMING
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings

BEST, WORSE, NOT_SEPARABLE = "best", "worse", "not separable"


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
    try:
        (gap,) = run_gaps(settings, best["run"], [rival["run"]], best["relevance"], best["ranking"])
    except (RunError, ValueError):
        return None
    points = 100 * (best["map"] - rival["map"])
    names = f"{best['model']} and {rival['model']} at {best['bits']} bits"
    span = f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f}"
    if gap.low <= 0:
        return Finding(
            f"These queries do not separate {names}: the gap of {points:.1f} points may be chance "
            f"(95 % interval of the paired difference: {span}).",
            is_doubtful=True,
        )
    overlap = points < 100 * max(best["half"], rival["half"])
    note = (
        " The separate intervals in the table overlap; the paired comparison on the same queries "
        "is the sharper test."
        if overlap
        else ""
    )
    return Finding(
        f"{best['model']} is ahead of {rival['model']} at {best['bits']} bits by {points:.1f} "
        f"points (95 % interval of the paired difference: {span}).{note}",
        is_doubtful=False,
    )


def vs_best(settings: Settings, rows: pd.DataFrame) -> list[str]:
    """How each row compares with the best of its code length: `BEST`, `WORSE`, `NOT_SEPARABLE`.

    The intervals of a code length hold together; runs that cannot be compared get an empty text.
    """
    words = dict.fromkeys(rows.index, "")
    for _, same in rows.groupby("bits"):
        best = same.index[int(same["map"].argmax())]
        rivals = [index for index in same.index if index != best]
        words[best] = BEST
        try:
            others = [same["run"][one] for one in rivals]
            conditions = same["relevance"][best], same["ranking"][best]
            found = run_gaps(settings, same["run"][best], others, *conditions)
        except (RunError, ValueError):
            continue
        words |= {index: _verdict(gap) for index, gap in zip(rivals, found, strict=True)}
    return [words[index] for index in rows.index]


def run_gaps(
    settings: Settings,
    first: str,
    others: Sequence[str],
    relevance: str = "",
    ranking: str = HAMMING,
) -> list[Gap]:
    """How far a run is ahead of each of the others.

    Args:
        settings: where the runs are.
        first: id of the run.
        others: ids of the others.
        relevance: that they were measured by; empty: the default of each.
        ranking: that they were measured with.

    Raises:
        RunError: one has no curves.
        ValueError: they were measured on different numbers of queries.
    """
    registry = RunRegistry(settings)
    runs = [registry.open(one) for one in (first, *others)]
    own, *theirs = [run.query_aps(relevance, ranking) for run in runs]
    return gaps(own, theirs)


def _verdict(gap: Gap) -> str:
    return WORSE if gap.low > 0 else NOT_SEPARABLE
