"""Ablation: what each variant changes in mAP, as a point with its interval around zero."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL

_LOOKS = {
    "costs": (COLOURS[1], "triangle-left"),
    "within noise": (NEUTRAL, "circle"),
    "gains": (COLOURS[2], "triangle-right"),
}
_ROW = 34  # pixels of a variant
_LABELS = alt.Axis(labelLimit=230, labelFontSize=12, labelBaseline="middle", ticks=False)


def ablation(rows: pd.DataFrame) -> alt.LayerChart:
    """Chart of what each variant changes in mAP.

    Args:
        rows: columns variant, verdict, map, difference, difference_low, difference_high (shares),
            in the order from top to bottom.
    """
    shown = rows[["variant", "verdict"]].assign(
        map=100 * rows["map"],
        difference=100 * rows["difference"],
        low=100 * rows["difference_low"],
        high=100 * rows["difference_high"],
    )
    kinds = [kind for kind in _LOOKS if kind in set(rows["verdict"])]
    colours = alt.Scale(domain=kinds, range=[_LOOKS[kind][0] for kind in kinds])
    shapes = alt.Scale(domain=kinds, range=[_LOOKS[kind][1] for kind in kinds])
    legend = alt.Legend(title=None, orient="top", symbolSize=110, symbolStrokeWidth=0)
    title = "Change of mAP (points)"
    base = alt.Chart(shown).encode(
        y=alt.Y("variant:N", sort=None, title=None, axis=_LABELS),
        color=alt.Color("verdict:N", sort=kinds, scale=colours, legend=legend),
        tooltip=[
            alt.Tooltip("variant:N", title="Variant"),
            alt.Tooltip("map:Q", title="mAP %", format=".1f"),
            alt.Tooltip("difference:Q", title="Change", format="+.1f"),
            alt.Tooltip("low:Q", title="from", format="+.1f"),
            alt.Tooltip("high:Q", title="to", format="+.1f"),
        ],
    )
    zero = alt.Chart(pd.DataFrame({"difference": [0.0]}))
    layers = [
        zero.mark_rule(color=NEUTRAL, strokeDash=[5, 4], strokeWidth=1.5).encode(
            x=alt.X("difference:Q", title=title, axis=alt.Axis(tickCount=6))
        ),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q"),
        base.mark_point(size=110, filled=True, opacity=1).encode(
            x=alt.X("difference:Q", title=title),
            shape=alt.Shape("verdict:N", sort=kinds, scale=shapes, legend=legend),
        ),
    ]
    return alt.LayerChart(layer=layers).properties(height=_ROW * len(rows) + 20)
