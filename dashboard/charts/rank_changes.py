"""Rank changes: a line from each image's rank under run A to its rank under run B."""

from __future__ import annotations

import altair as alt
import pandas as pd

_FATES = {
    "better in B": ("#009e73", [1, 0]),
    "worse in B": ("#d55e00", [6, 3]),
    "same": ("#7a8694", [2, 2]),
}


def rank_changes(changes: pd.DataFrame) -> alt.Chart:
    """Chart of each image's rank under two runs.

    Args:
        changes: columns row, image, run (A, B), rank, fate.
    """
    fates = [fate for fate in _FATES if fate in set(changes["fate"])]
    colours = alt.Scale(domain=fates, range=[_FATES[fate][0] for fate in fates])
    legend = alt.Legend(title=None, orient="top")  # one for colour and dash, or Vega warns
    dashes = alt.Scale(domain=fates, range=[_FATES[fate][1] for fate in fates])
    return (
        alt.Chart(changes)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=alt.X("run:N", title=None, axis=alt.Axis(labelAngle=0, labelFontSize=13)),
            y=alt.Y("rank:Q", title="Rank", scale=alt.Scale(type="log", reverse=True, nice=False)),
            detail="row:N",
            color=alt.Color("fate:N", scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("fate:N", scale=dashes, legend=legend),
            tooltip=[
                alt.Tooltip("image:N", title="Image"),
                alt.Tooltip("run:N", title="Run"),
                alt.Tooltip("rank:Q", title="Rank"),
            ],
        )
        .properties(height=320)
    )
