"""Trade-offs: quality against what it costs, and the runs that no other run beats on both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_WIDE = 50  # times the least cost, from which an axis is logarithmic


@dataclass(frozen=True)
class Cost:
    """Cost of a code: a column of the leaderboard and its unit.

    Attributes:
        title: name for people, with the unit.
        column: column of the leaderboard.
        factor: factor from the column to the unit.
        is_log: whether it spans powers of ten.
    """

    title: str
    column: str
    factor: float
    is_log: bool


COSTS = {
    cost.title: cost
    for cost in (
        Cost("Code length (bits)", "bits", 1, is_log=False),
        Cost("Memory (MB per million images)", "bytes", 1, is_log=False),
        Cost("Training (seconds)", "training_s", 1, is_log=True),
        Cost("Encoding (ms per 1,000 images)", "encoding_ms", 1000, is_log=True),
        Cost("Search (ms per query)", "search_ms", 1, is_log=True),
    )
}


def with_front(
    rows: pd.DataFrame, cost: Cost, alternatives: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Columns model, method, bits, run, map, cost and is_front; those of unknown cost left out.

    On the front: nothing else has at least the same mAP for at most the same cost, and more of one.

    Args:
        rows: of a leaderboard.
        cost: that they are drawn against.
        alternatives: of the leaderboard, which have no run; their bits are those of an image.
    """
    parts = [rows] if alternatives is None or alternatives.empty else [rows, _as_rows(alternatives)]
    known = pd.concat([part.dropna(subset=[cost.column]) for part in parts], ignore_index=True)
    table = known[["model", "method", "bits", "run", "map"]].assign(
        cost=cost.factor * known[cost.column].astype(float)
    )
    return table.assign(is_front=on_front(table["cost"], table["map"])).reset_index(drop=True)


def _as_rows(alternatives: pd.DataFrame) -> pd.DataFrame:
    many = alternatives["backbone"].nunique() > 1
    of = [f" · {backbone}" if many else "" for backbone in alternatives["backbone"]]
    return alternatives.assign(
        model=[f"{title}{end}" for title, end in zip(alternatives["title"], of, strict=True)],
        method=alternatives["name"],
        bits=8 * alternatives["bytes"].astype(int),
        run="",
    )


def is_wide(costs: pd.Series) -> bool:
    """Whether costs lie too far apart to be told from each other on an even axis."""
    return float(costs.max()) > _WIDE * float(costs[costs > 0].min())


def on_front(costs: pd.Series, values: pd.Series) -> list[bool]:
    """Whether each point is on the Pareto front of low costs and high values."""
    cost, value = np.asarray(costs, float), np.asarray(values, float)
    return [
        not bool(np.any((cost <= c) & (value >= v) & ((cost < c) | (value > v))))
        for c, v in zip(cost, value, strict=True)
    ]


def front_finding(table: pd.DataFrame, cost: Cost) -> str:
    """Summary of the trade-off in a sentence: where the knee is."""
    front = table[table["is_front"]].sort_values("cost")
    if len(front) < 2:
        only = front.iloc[0]
        return f"{_name(only)} is best and cheapest at once: {100 * only['map']:.1f} % mAP."
    best = front.iloc[-1]
    enough = front[front["map"] >= 0.95 * best["map"]].iloc[0]
    unit = cost.title.partition("(")[2].rstrip(")")
    if enough.name == best.name:
        return (
            f"{_name(best)} is best with {100 * best['map']:.1f} % mAP; nothing cheaper comes "
            f"within 5 % of it."
        )
    return (
        f"{_name(enough)} reaches {100 * enough['map'] / best['map']:.0f} % of the best mAP "
        f"({_name(best)}, {100 * best['map']:.1f} %) for {_short(enough['cost'])} instead of "
        f"{_short(best['cost'])} {unit}."
    )


def _name(row: pd.Series) -> str:
    return f"{row['model']} at {row['bits']:,} bits"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
