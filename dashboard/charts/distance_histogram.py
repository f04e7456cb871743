"""How far the database is from one query: images by distance, relevant ones apart."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import NEUTRAL, RELEVANCE


def distance_histogram(histogram: pd.DataFrame, bits: int, cut: int | None) -> alt.LayerChart:
    """Histogram of the distances of the whole database to a query.

    Args:
        histogram: columns distance, relevance, images.
        bits: code length, the end of the axis.
        cut: distance of the last result; None for no line.
    """
    shown = histogram.assign(start=histogram["distance"] - 0.5, end=histogram["distance"] + 0.5)
    kinds = [kind for kind in RELEVANCE if kind in set(histogram["relevance"])]
    bars = (
        alt.Chart(shown)
        .mark_bar(binSpacing=2)
        .encode(
            x=alt.X(
                "start:Q",
                bin="binned",
                title="Hamming distance (bits)",
                scale=alt.Scale(domain=[-0.5, bits + 0.5], nice=False),
                axis=alt.Axis(tickMinStep=1, format="d", grid=False),
            ),
            x2="end:Q",
            y=alt.Y("images:Q", title="Images", stack="zero"),
            color=alt.Color(
                "relevance:N",
                sort=kinds,
                scale=alt.Scale(domain=kinds, range=[RELEVANCE[kind] for kind in kinds]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            order=alt.Order("relevance:N", sort="descending"),
            tooltip=[
                alt.Tooltip("distance:Q", title="Distance"),
                alt.Tooltip("relevance:N", title="Relevance"),
                alt.Tooltip("images:Q", title="Images"),
            ],
        )
    )
    layers = [bars] if cut is None else [bars, *_cut_line(cut)]
    return alt.LayerChart(layer=layers).properties(height=220)


def _cut_line(cut: int) -> list[alt.Chart]:
    line = pd.DataFrame({"distance": [cut + 0.5], "words": [f"shown: up to {cut}"]})
    rule = alt.Chart(line).mark_rule(color=NEUTRAL, strokeDash=[4, 3], strokeWidth=1.5)
    words = alt.Chart(line).mark_text(
        color=NEUTRAL, align="left", baseline="top", dx=5, dy=2, fontSize=12
    )
    return [
        rule.encode(x="distance:Q"),
        words.encode(x="distance:Q", y=alt.value(0), text="words:N"),
    ]
