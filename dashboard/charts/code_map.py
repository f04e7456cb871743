"""The map of distinct codes: a disc for each bucket, its size by how many images share the code."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL

PICK = "bucket"


def code_map(buckets: pd.DataFrame) -> alt.Chart:
    """The chart.

    Args:
        buckets: columns bucket, x, y, images, label, purity.
    """
    top = buckets.groupby("label")["images"].sum().nlargest(len(COLOURS)).index.tolist()
    shown = buckets.assign(group=buckets["label"].where(buckets["label"].isin(top), "other"))
    names = [*top, "other"] if (shown["group"] == "other").any() else top
    colours = alt.Scale(domain=names, range=[*COLOURS[: len(top)], NEUTRAL])
    hidden = alt.Axis(labels=False, ticks=False, title=None, grid=False, domain=False)
    return (
        alt.Chart(shown)
        .mark_circle(opacity=0.75, stroke=NEUTRAL, strokeWidth=0.5, cursor="pointer")
        .encode(
            x=alt.X("x:Q", axis=hidden, scale=alt.Scale(zero=False, padding=20)),
            y=alt.Y("y:Q", axis=hidden, scale=alt.Scale(zero=False, padding=20)),
            size=alt.Size(
                "images:Q", scale=alt.Scale(range=[30, 900]), legend=alt.Legend(title="Images")
            ),
            color=alt.Color(
                "group:N", sort=names, scale=colours, legend=alt.Legend(title="Mostly", columns=1)
            ),
            tooltip=[
                alt.Tooltip("images:Q", title="Images"),
                alt.Tooltip("label:N", title="Mostly"),
                alt.Tooltip("purity:Q", title="Share of that label", format=".0%"),
            ],
        )
        .add_params(alt.selection_point(PICK, fields=["bucket"]))
        .properties(height=420)
    )
