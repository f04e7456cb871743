"""Aligned bits: how each bit of a run correlates with its counterpart, clearest first."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL

_SENSES = ["same", "inverted"]


def alignment(table: pd.DataFrame, least: float, chance: float) -> alt.LayerChart:
    """Chart of bits with their counterparts.

    Args:
        table: columns bit, counterpart, correlation, sense; bits in the order of the rows.
        least: strength from which a bit counts as found again; dashed lines.
        chance: mean strength by chance; dotted lines.
    """
    shown = table.dropna(subset=["counterpart"]).astype({"counterpart": int})
    scale = alt.Scale(domain=_SENSES, range=[COLOURS[0], COLOURS[1]])
    legend = alt.Legend(title=None, orient="top")
    bars = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            x=alt.X(
                "bit:O",
                sort=None,
                title="Bit",
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y("correlation:Q", title="Correlation", scale=alt.Scale(domain=[-1, 1])),
            color=alt.Color("sense:N", sort=_SENSES, scale=scale, legend=legend),
            tooltip=[
                alt.Tooltip("bit:O", title="Bit"),
                alt.Tooltip("counterpart:O", title="Counterpart"),
                alt.Tooltip("correlation:Q", title="Correlation", format="+.2f"),
                alt.Tooltip("sense:N", title="Sense"),
            ],
        )
    )
    rules = [
        alt.Chart(pd.DataFrame({"correlation": [-value, value]}))
        .mark_rule(color=NEUTRAL, strokeDash=dash, strokeWidth=1.5)
        .encode(y="correlation:Q")
        for value, dash in ((least, [6, 4]), (chance, [2, 2]))
    ]
    return alt.LayerChart(layer=[bars, *rules]).properties(height=280)
