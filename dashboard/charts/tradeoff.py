"""Quality against cost: a point a run, the Pareto front as a line, what one can afford as a box."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL, Style, styles

PICK = "pick"  # name of the selection that a click makes
_NUMBER = ",.6~g"  # of ticks: 32, 0.25, 10,240
_APART = (0.2, 0.09)  # shares of width and height that the names of two points need between them
_SPAN = 80  # points of mAP from the bottom of such a chart to its top, with the baselines
_ALTERNATIVE = "alternative"  # of methods: what has no run, grey as in Quality per byte
_FEW = 8  # points of the front that can carry their names without touching


def tradeoff(
    table: pd.DataFrame,
    methods: list[str],
    baselines: pd.DataFrame,
    *,
    title: str,
    is_log: bool,
    budget: float | None = None,
) -> alt.LayerChart:
    """The chart. A click on a point selects it under the name `PICK` (field run).

    Args:
        table: columns model, method, bits, run (empty for alternatives to methods), map (share),
            cost, is_front.
        methods: all methods that may ever be shown beside these, so that colours stay.
        baselines: columns name and map (share): a labelled rule each.
        title: of the cost axis.
        is_log: logarithmic cost axis.
        budget: most that may be spent; None: no box.
    """
    shown = table.assign(
        percent=100 * table["map"],
        cost=table["cost"].clip(lower=1e-4) if is_log else table["cost"].astype(float),
        words=[_short(row["model"], row["bits"]) for row in table.to_dict("records")],
    )
    is_log = is_log and shown["cost"].nunique() > 1  # one cost has no powers of ten
    x = alt.X("cost:Q", title=title, scale=_scale(is_log), axis=_axis(shown["cost"], is_log))
    layers = [
        *([] if budget is None else [_box(budget, shown["cost"], x)]),
        *_baseline_layers(baselines),
        *_front_layers(shown, x, is_log=is_log),
        _points(shown, methods, x),
    ]
    return alt.LayerChart(layer=layers).properties(height=340)


def _scale(is_log: bool) -> alt.Scale:
    """Wide margins, so that the names at both ends are not cut."""
    if is_log:  # which has no zero to leave out
        return alt.Scale(type="log", nice=False, padding=45)
    return alt.Scale(zero=False, nice=False, padding=70)


def _axis(costs: pd.Series, is_log: bool) -> alt.Axis:
    few = sorted(set(costs))
    if is_log or len(few) > _FEW:
        return alt.Axis(tickCount=_FEW, format=_NUMBER, labelOverlap=True)
    return alt.Axis(values=[_rounded(cost) for cost in few], format=_NUMBER, labelOverlap=True)


def _rounded(cost: float) -> float:
    """Whole numbers as they are, others to three digits, so that no tick is longer than it says."""
    return float(cost) if float(cost).is_integer() else float(f"{cost:.3g}")


def _short(model: str, bits: int) -> str:
    """The name of a point: the method without what stands in brackets or after a comma."""
    return f"{model.partition(' (')[0].partition(',')[0]} {bits}"


def _y() -> alt.Y:
    return alt.Y("percent:Q", title="mAP (%)", scale=alt.Scale(zero=False, padding=14))


def _points(shown: pd.DataFrame, methods: list[str], x: alt.X) -> alt.Chart:
    shown = shown.assign(method=shown["method"].mask(shown["run"] == "", _ALTERNATIVE))
    used = sorted(dict.fromkeys(shown["method"]), key=_ALTERNATIVE.__eq__)  # these last
    look = styles([*methods, *(one for one in used if one != _ALTERNATIVE)])
    look[_ALTERNATIVE] = Style(NEUTRAL, [1, 0], "triangle-right")
    titles = {row["method"]: row["model"].split(",")[0] for row in shown.to_dict("records")}
    titles[_ALTERNATIVE] = _ALTERNATIVE
    names = [titles[method] for method in used]
    legend = alt.Legend(
        title=None, orient="top", columns=4, labelLimit=140, symbolSize=90, symbolStrokeWidth=0
    )
    pick = alt.selection_point(name=PICK, fields=["run"])
    return (
        alt.Chart(shown.assign(family=shown["method"].map(titles)))
        .mark_point(size=100, filled=True, cursor="pointer")
        .encode(
            x=x,
            y=_y(),
            color=alt.Color(
                "family:N",
                sort=names,
                scale=alt.Scale(domain=names, range=[look[one].colour for one in used]),
                legend=legend,
            ),
            shape=alt.Shape(
                "family:N",
                sort=names,
                scale=alt.Scale(domain=names, range=[look[one].shape for one in used]),
                legend=legend,
            ),
            opacity=alt.condition("datum.is_front", alt.value(1.0), alt.value(0.55)),
            tooltip=[
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("bits:Q", title="Bits", format=","),
                alt.Tooltip("percent:Q", title="mAP %", format=".1f"),
                alt.Tooltip("cost:Q", title="Cost", format=",.4~g"),
                alt.Tooltip("is_front:N", title="On the front"),
            ],
        )
        .add_params(pick)
    )


def _front_layers(shown: pd.DataFrame, x: alt.X, *, is_log: bool) -> list[alt.Chart]:
    """The steps of what is to be had for each price, and the names of its corners."""
    front = shown[shown["is_front"]].sort_values("cost")
    base = alt.Chart(front[["cost", "percent", "words"]])
    is_named = apart(front["cost"], front["percent"], is_log=is_log, along=shown["cost"])
    named = alt.Chart(front[is_named])
    line = base.mark_line(
        color=NEUTRAL, interpolate="step-after", strokeWidth=2, strokeDash=[2, 2]
    ).encode(x=x, y=_y())
    names = named.mark_text(color=NEUTRAL, align="center", dy=-13, fontSize=12).encode(
        x=x, y=_y(), text="words:N"
    )
    return [line, names] if len(front) <= _FEW else [line]


def apart(
    costs: pd.Series, percents: pd.Series, *, is_log: bool, along: pd.Series | None = None
) -> list[bool]:
    """Which points can carry their names without touching: the best ones first.

    Args:
        costs: of the points that would have names.
        percents: of these.
        is_log: logarithmic axis.
        along: costs of all points, which the axis spans; None: those with names are all.
    """
    places, whole = (
        np.log10(values) if is_log else values
        for values in (one.to_numpy(float) for one in (costs, costs if along is None else along))
    )
    width = max(float(np.ptp(whole)), 1e-9) if len(whole) else 1.0
    kept: list[tuple[float, float]] = []
    chosen = [False] * len(places)
    for place in np.argsort(-percents.to_numpy()):
        x, y = float(places[place]) / width, float(percents.iloc[place]) / _SPAN
        if all(abs(x - a) > _APART[0] or abs(y - b) > _APART[1] for a, b in kept):
            kept.append((x, y))
            chosen[place] = True
    return chosen


def _baseline_layers(baselines: pd.DataFrame) -> list[alt.Chart]:
    if baselines.empty:
        return []
    words = [
        f"{name} {100 * value:.1f}"
        for name, value in zip(baselines["name"], baselines["map"], strict=True)
    ]
    base = alt.Chart(pd.DataFrame({"percent": 100 * baselines["map"], "words": words}))
    return [
        base.mark_rule(color=NEUTRAL, strokeDash=[1, 3], strokeWidth=1.5).encode(y=_y()),
        base.mark_text(color=NEUTRAL, align="right", baseline="bottom", dx=-4, fontSize=12).encode(
            y=_y(), x=alt.value("width"), text="words:N"
        ),
    ]


def _box(budget: float, costs: pd.Series, x: alt.X) -> alt.Chart:
    """What lies left of the budget; a budget far beyond all costs ends a little behind them."""
    low, high = 0.9 * float(costs.min()), min(budget, 1.2 * float(costs.max()))
    return (
        alt.Chart(pd.DataFrame({"cost": [min(low, high)], "budget": [high]}))
        .mark_rect(color=COLOURS[2], opacity=0.12)
        .encode(x=x, x2="budget:Q")
    )
