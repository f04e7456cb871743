"""The map of distinct codes: a disc for each bucket, sized by its images; lines join near ones."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL

PICK = "bucket"


def code_map(buckets: pd.DataFrame, links: pd.DataFrame) -> alt.LayerChart:
    """Map of distinct codes.

    Args:
        buckets: columns bucket, x, y, images, label, purity.
        links: lines under the discs, columns x, y, x2, y2.
    """
    top = buckets.groupby("label")["images"].sum().nlargest(len(COLOURS)).index.tolist()
    shown = buckets.assign(group=buckets["label"].where(buckets["label"].isin(top), "other"))
    names = [*top, "other"] if (shown["group"] == "other").any() else top
    colours = alt.Scale(domain=names, range=[*COLOURS[: len(top)], NEUTRAL])
    hidden = alt.Axis(labels=False, ticks=False, title=None, grid=False, domain=False)
    scale = alt.Scale(zero=False, padding=20)
    x, y = alt.X("x:Q", axis=hidden, scale=scale), alt.Y("y:Q", axis=hidden, scale=scale)
    lines = (
        alt.Chart(links)
        .mark_rule(color=NEUTRAL, opacity=0.5, strokeWidth=1)
        .encode(x=x, y=y, x2="x2", y2="y2")
    )
    discs = (
        alt.Chart(shown)
        .mark_circle(opacity=0.75, stroke=NEUTRAL, strokeWidth=0.5, cursor="pointer")
        .encode(
            x=x,
            y=y,
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
    )
    return alt.LayerChart(layer=[lines, discs]).properties(height=420)
