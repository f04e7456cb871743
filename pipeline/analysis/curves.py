"""Curves for the charts: means over queries with bands, from one run or from several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.bootstrap import band, interval, resampled_counts
from pipeline.evaluation.metric_table import REPORT_RANKS
from pipeline.evaluation.query_curves import QueryCurves, query_curves
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings

Values = NDArray[np.float64]
OVER_QUERIES, OVER_SEEDS = "queries", "seeds"
OPERATING_RADII = 12  # and at most so many on curves by radius
_HALF_RECALL = 0.5


@dataclass(frozen=True)
class Kind:
    """One kind of curve.

    Attributes:
        title: name for people.
        x: quantity of the horizontal axis: recall, rank or radius.
        by: quantity that moves along the curve: rank or radius.
        y: quantity of the vertical axis: precision or recall.
        x_title: title of the axis.
        y_title: title of the axis.
        is_log: whether the horizontal axis is logarithmic.
    """

    title: str
    x: str
    by: str
    y: str
    x_title: str
    y_title: str
    is_log: bool = False


KINDS = {
    kind.title: kind
    for kind in (
        Kind("PR by rank", "recall", "rank", "precision", "Recall", "Precision"),
        Kind("PR by radius", "recall", "radius", "precision", "Recall", "Precision"),
        Kind("P@N", "rank", "rank", "precision", "First N", "Precision", is_log=True),
        Kind("R@N", "rank", "rank", "recall", "Shortlist (first N)", "Recall", is_log=True),
        Kind(
            "Precision within radius",
            "radius",
            "radius",
            "precision",
            "Hamming radius (bits)",
            "Precision",
        ),
    )
}


@dataclass(frozen=True, eq=False)
class RunCurves:
    """The curves of one row of the leaderboard: one `QueryCurves` per seed, lowest first."""

    model: str
    method: str
    bits: int
    seeds: tuple[QueryCurves, ...]


def measure(run: OpenRun) -> QueryCurves:
    """The curves of one run's stored codes."""
    return query_curves(run.counts(), run.cutoff)


def curve_table(rows: Sequence[RunCurves], kind: Kind, bands: str) -> pd.DataFrame:
    """Columns model, method, bits, at (rank or radius), x, y, low, high, is_point; shares.

    Args:
        rows: curves to draw.
        kind: kind of curve.
        bands: `OVER_QUERIES`: 95 % bootstrap of the first seed. `OVER_SEEDS`: mean, least and most
            of the seeds, without a band where there is one seed.
    """
    parts = [
        _curve(row, kind, bands).assign(model=row.model, method=row.method, bits=row.bits)
        for row in rows
    ]
    names = ["model", "method", "bits", "at", "x", "y", "low", "high", "is_point"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def precision_recall(settings: Settings, rows: pd.DataFrame) -> pd.DataFrame:
    """PR curves by rank of the runs of some rows: columns model, method, bits, rank and both.

    Args:
        settings: say where the runs are.
        rows: rows of a leaderboard. Those whose curves cannot be read are left out.
    """
    registry, parts = RunRegistry(settings), []
    for row in rows.to_dict("records"):
        try:
            curves = registry.open(row["run"]).curves(row["relevance"], row["ranking"])
        except RunError:
            continue
        table = pd.DataFrame(
            {"rank": curves.ranks, "recall": curves.recall, "precision": curves.precision}
        )
        parts.append(table.assign(**{name: row[name] for name in ("model", "method", "bits")}))
    names = ["model", "method", "bits", "rank", "recall", "precision"]
    return pd.concat(parts, ignore_index=True)[names] if parts else pd.DataFrame(columns=names)


def _curve(row: RunCurves, kind: Kind, bands: str) -> pd.DataFrame:
    at, _, _ = _per_query(row.seeds[0], kind)
    per_seed = [_per_query(seed, kind) for seed in row.seeds]
    if bands == OVER_QUERIES:
        per_seed = per_seed[:1]
    xs = np.mean([x.mean(axis=0) for _, x, _ in per_seed], axis=0)
    means = np.stack([y.mean(axis=0) for _, _, y in per_seed])
    if bands == OVER_QUERIES:
        values = per_seed[0][2]
        low, high = band(values, resampled_counts(len(values)))
    else:
        low, high = means.min(axis=0), means.max(axis=0)
    return pd.DataFrame(
        {
            "at": at,
            "x": at if kind.x == kind.by else xs,
            "y": means.mean(axis=0),
            "low": low,
            "high": high,
            "is_point": _is_point(at, kind.by),
        }
    )


def _per_query(curves: QueryCurves, kind: Kind) -> tuple[NDArray[np.int64], Values, Values]:
    """What moves along the curve (m,), and recall or precision of each query (q, m)."""
    if kind.by == "rank":
        both = {"precision": curves.precision_at, "recall": curves.recall_at}
        return curves.ranks, both["recall"], both[kind.y]
    both = {"precision": curves.precision_within, "recall": curves.recall_within}
    return curves.radii, both["recall"], both[kind.y]


def _is_point(at: NDArray[np.int64], by: str) -> NDArray[np.bool_]:
    if by == "rank":
        return np.isin(at, REPORT_RANKS)
    step = max(1, len(at) // OPERATING_RADII)
    return np.asarray(np.arange(len(at)) % step == 0)


def finding(rows: Sequence[RunCurves], kind: Kind) -> str:
    """Summary of the curves at the usual place in a sentence; empty with fewer than two models.

    The two best of the code length with most models are compared query by query, paired.
    """
    place, name = {
        "PR by rank": (None, f"At recall {_HALF_RECALL}"),
        "PR by radius": (None, f"At recall {_HALF_RECALL}"),
        "P@N": (100, "Of the first 100"),
        "R@N": (100, "Within the first 100"),
        "Precision within radius": (2, "Within 2 bits"),
    }[kind.title]
    lengths = [row.bits for row in rows]
    if not lengths:
        return ""
    bits = max(sorted(set(lengths), reverse=True), key=lengths.count)
    same = [row for row in rows if row.bits == bits]
    if len(same) < 2:
        return ""
    ranked = sorted(same, key=lambda row: -_value_at(row.seeds[0], kind, place)[0])
    (best, leading), (second, trailing) = (
        (row, _value_at(row.seeds[0], kind, place)) for row in ranked[:2]
    )
    if len(best.seeds[0].average_precision) != len(second.seeds[0].average_precision):
        return ""
    low, high = interval((leading[1] - trailing[1])[:, None])
    is_beyond = bool(low[0] > 0)
    does = "keeps" if kind.x == "recall" else "reaches"
    return (
        f"{name}, {best.model} at {bits} bits {does} {100 * leading[0]:.0f} % {kind.y}, "
        f"{100 * (leading[0] - trailing[0]):.1f} points above {second.model}; on the same queries "
        f"that is {'beyond chance' if is_beyond else 'no more than chance'} "
        f"({100 * low[0]:+.1f} to {100 * high[0]:+.1f})."
    )


def _value_at(curves: QueryCurves, kind: Kind, place: int | None) -> tuple[float, Values]:
    """Mean at a rank or radius, or at half recall, and the same of resampled query sets (b,)."""
    at, recall, y = _per_query(curves, kind)
    counts = resampled_counts(len(y))
    means, drawn = y.mean(axis=0), counts @ y / len(y)
    if place is not None:
        column = int(np.abs(at - place).argmin())
        return float(means[column]), drawn[:, column]
    recalls = counts @ recall / len(y)
    value = float(np.interp(_HALF_RECALL, recall.mean(axis=0), means))
    each = [np.interp(_HALF_RECALL, r, p) for r, p in zip(recalls, drawn, strict=True)]
    return value, np.array(each)


def queries_at(curves: QueryCurves, kind: Kind, at: int) -> pd.DataFrame:
    """The queries behind a point, worst first: columns place (of the query set) and value."""
    positions, _, y = _per_query(curves, kind)
    column = int(np.abs(positions - at).argmin())
    table = pd.DataFrame({"place": np.arange(len(y)), "value": y[:, column]})
    return table.sort_values(["value", "place"], ignore_index=True)
