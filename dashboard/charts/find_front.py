"""What each choice of what to find gives: quality against the neighbours that are kept."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL, SHAPES
from dashboard.charts.tradeoff import apart

QUALITIES = {"map": "Same kind: mAP (%)", "precision_at_10": "Same kind: P@10 (%)"}
_X = "Neighbours kept: Neighbours@10 (%)"
_HEIGHT, _PADDING = 300, 28  # pixels


def find_front(front: pd.DataFrame, quality: str) -> alt.LayerChart:
    """A point per choice, joined from kinds to things, a colour for each code length.

    Args:
        front: columns find, bits, map, precision_at_10, neighbours_at_10 (shares), in the order in
            which the points are joined.
        quality: one of `QUALITIES`.
    """
    shown = pd.DataFrame(
        {
            "find": front["find"],
            "length": [f"{bits} bits" for bits in front["bits"]],
            "place": range(len(front)),
            "x": 100 * front["neighbours_at_10"],
            "y": 100 * front[quality],
        }
    )
    lengths = list(dict.fromkeys(shown["length"]))
    legend = alt.Legend(title=None, orient="top")
    colour = alt.Color(
        "length:N",
        scale=alt.Scale(domain=lengths, range=[COLOURS[i % 6] for i in range(len(lengths))]),
        legend=legend if len(lengths) > 1 else None,
    )
    shape = alt.Shape(
        "length:N",
        scale=alt.Scale(domain=lengths, range=[SHAPES[i % 6] for i in range(len(lengths))]),
        legend=legend if len(lengths) > 1 else None,
    )
    x = alt.X("x:Q", title=_X, scale=alt.Scale(zero=False, padding=2 * _PADDING))
    y = alt.Y("y:Q", title=QUALITIES[quality], scale=alt.Scale(zero=False, padding=_PADDING))
    base = alt.Chart(shown)
    tooltip = [
        alt.Tooltip("find:N", title="Find"),
        alt.Tooltip("length:N", title="Code"),
        alt.Tooltip("y:Q", title=QUALITIES[quality], format=".1f"),
        alt.Tooltip("x:Q", title=_X, format=".1f"),
    ]
    layers = [
        base.mark_line(opacity=0.5).encode(x=x, y=y, color=colour, order="place:Q"),
        base.mark_point(size=90, filled=True, opacity=1).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
        alt.Chart(shown[apart(shown["x"], shown["y"], is_log=False)])
        .mark_text(color=NEUTRAL, dy=-13, fontSize=12)
        .encode(x=x, y=y, text="find:N"),
    ]
    return alt.LayerChart(layer=layers).properties(height=_HEIGHT)
