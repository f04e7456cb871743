"""Robustness: what each change of an image does, as a point with its interval, by run."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, SHAPES

_ROW = 20  # pixels of a change, for each run


def robustness(rows: pd.DataFrame, title: str) -> alt.LayerChart:
    """Chart of what each change of an image does, by run.

    Args:
        rows: columns run, change, mean, low, high (percent), changes in the order from top to
            bottom.
        title: of the axis.
    """
    runs = list(dict.fromkeys(rows["run"]))
    legend = alt.Legend(title=None, orient="top", columns=1, labelLimit=230, symbolSize=90)
    shown = None if len(runs) == 1 else legend
    colour = alt.Color("run:N", sort=runs, legend=shown, scale=_scale(runs, COLOURS))
    shape = alt.Shape("run:N", sort=runs, legend=shown, scale=_scale(runs, SHAPES))
    base = alt.Chart(rows).encode(
        y=alt.Y("change:N", sort=None, title=None, axis=alt.Axis(ticks=False, labelLimit=160)),
        yOffset=alt.YOffset("run:N", sort=runs),
        color=colour,
        tooltip=[
            alt.Tooltip("run:N", title="Run"),
            alt.Tooltip("change:N", title="Change"),
            alt.Tooltip("mean:Q", title=title, format=".1f"),
            alt.Tooltip("low:Q", title="from", format=".1f"),
            alt.Tooltip("high:Q", title="to", format=".1f"),
        ],
    )
    x = alt.X("low:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6))
    layers = [
        base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q"),
        base.mark_point(size=80, filled=True, opacity=1).encode(
            x=alt.X("mean:Q", title=title), shape=shape
        ),
    ]
    height = _ROW * rows["change"].nunique() * len(runs) + 20
    return alt.LayerChart(layer=layers).properties(height=height)


def _scale(runs: list[str], looks: tuple[str, ...]) -> alt.Scale:
    return alt.Scale(domain=runs, range=list(looks[: len(runs)]))
