"""Quality per byte: methods and the alternatives to them on one axis, and which of them wins where.

Alternatives see no labels, so that a method that learns from labels is told apart from one that
does not: only the latter competes on equal terms.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.tradeoffs import on_front
from pipeline.evaluation.metric_table import METRICS, Metric
from pipeline.wording import plural

QUALITIES = {
    METRICS[name].title: METRICS[name]
    for name in ("map", "precision_at_10", "ndcg_at_100", "neighbours_at_10")
}
ALTERNATIVE, UNLABELLED, LABELLED = "alternative", "method without labels", "method with labels"
KINDS = (UNLABELLED, LABELLED, ALTERNATIVE)
FLOAT = "float32"
COLUMNS = (
    "series",  # what a line over bytes joins: a model, or a family of alternatives
    "title",  # of the point
    "label",  # the same, short
    "kind",  # one of `KINDS`
    "bytes",  # per image
    "value",  # of the quality, a share
    "half",  # half-width of its interval; not a number where none is known
    "run",  # id; empty for alternatives
    "is_labelled",  # whether labels took part
    "is_front",
)


def quality_points(
    rows: pd.DataFrame, alternatives: pd.DataFrame, cosine: pd.DataFrame, metric: Metric
) -> pd.DataFrame:
    """Every method and alternative that has the quality: `COLUMNS`.

    On the front: nothing else has at least the same quality for at most as many bytes, and more of
    one. Methods with labels have a front of their own.

    Args:
        rows: of a leaderboard.
        alternatives: of the leaderboard; may be empty.
        cosine: of the leaderboard; stands for float32 where that was not measured.
        metric: one of `QUALITIES`.
    """
    parts = [_methods(rows, metric), _alternatives(alternatives, metric)]
    if FLOAT not in set(alternatives["name"]):
        parts.append(_alternatives(cosine.assign(family="float", title=FLOAT), metric))
    known = [part.dropna(subset=["value"]) for part in parts]
    points = pd.concat([part for part in known if len(part)] or known[:1], ignore_index=True)
    points = points.assign(is_labelled=points["kind"] == LABELLED, is_front=False)
    for _, group in points.groupby("is_labelled"):
        points.loc[group.index, "is_front"] = on_front(group["bytes"], group["value"])
    return points.assign(is_front=points["is_front"].astype(bool))[[*COLUMNS]]


def quality_finding(points: pd.DataFrame, metric: Metric) -> str:
    """The best method and the best alternative of at most as many bytes, and the float features.

    Methods without labels are compared first; empty where there is no alternative to compare with.
    """
    methods = points[points["kind"] != ALTERNATIVE]
    others = points[(points["kind"] == ALTERNATIVE) & ~points["title"].str.startswith(FLOAT)]
    if methods.empty or others.empty:
        return ""
    kind = UNLABELLED if (methods["kind"] == UNLABELLED).any() else LABELLED
    best = _best(methods[methods["kind"] == kind])
    rivals = others[others["bytes"] <= best["bytes"]]
    words = f"{_said(best, metric)}{'' if kind == UNLABELLED else ', with labels'}"
    words = f"{words[0].upper()}{words[1:]}"
    if rivals.empty:
        words += "; no alternative is as small."
    else:
        words += f"; the best alternative of at most that size, {_said(_best(rivals), metric)}."
    exact = points[points["title"].str.startswith(FLOAT)]
    if len(exact):
        words += f" {_said(_best(exact), metric)}."
    if len(rivals) and _best(rivals)["value"] >= best["value"]:
        words += " So by this quality hash codes do not pay here."
    return words


def _methods(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    labelled = rows["supervision"] == "supervised"
    return pd.DataFrame(
        {
            "series": rows["model"],
            "title": [
                f"{model}, {bits} bits"
                for model, bits in zip(rows["model"], rows["bits"], strict=True)
            ],
            "label": [model.partition(" (")[0].partition(",")[0] for model in rows["model"]],
            "kind": np.where(labelled, LABELLED, UNLABELLED),
            "bytes": rows["bytes"],
            "value": rows[metric.name].astype(float),
            "half": _half(rows, metric),
            "run": rows["run"],
        }
    )


def _alternatives(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    many = rows["backbone"].nunique() > 1
    of = [f" · {backbone}" if many else "" for backbone in rows["backbone"]]
    return pd.DataFrame(
        {
            "series": [f"{name}{end}" for name, end in zip(rows["family"], of, strict=True)],
            "title": [f"{name}{end}" for name, end in zip(rows["title"], of, strict=True)],
            "label": [
                family if family.startswith("PCA") else title
                for family, title in zip(rows["family"], rows["title"], strict=True)
            ],
            "kind": ALTERNATIVE,
            "bytes": rows["bytes"],
            "value": rows[metric.name].astype(float),
            "half": _half(rows, metric),
            "run": "",
        }
    )


def _half(rows: pd.DataFrame, metric: Metric) -> pd.Series:
    """Half-widths of the intervals; not a number where a report has none."""
    column = "half" if metric.name == "map" else f"half_{metric.name}"
    return rows.reindex(columns=[column])[column].astype(float)


def _best(points: pd.DataFrame) -> pd.Series:
    return points.sort_values(["value", "bytes"], ascending=[False, True]).iloc[0]


def _said(point: pd.Series, metric: Metric) -> str:
    size = plural(int(point["bytes"]), "byte")
    return f"{point['title']} ({size}) reaches {100 * point['value']:.1f} % {metric.title}"
