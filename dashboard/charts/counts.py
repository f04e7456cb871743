"""How many images have each value: bars for classes and for sizes."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS

PICK = "pick"  # name of the selection that a click makes
_ROW = 19  # pixels a bar


def class_bars(table: pd.DataFrame, *, is_clickable: bool = False) -> alt.Chart:
    """Lying bars in the order of the table.

    Args:
        table: columns class and images.
        is_clickable: bars can be picked; the selection is called `PICK`.
    """
    chart = (
        alt.Chart(table)
        .mark_bar(color=COLOURS[0], cornerRadiusEnd=2)
        .encode(
            y=alt.Y("class:N", sort=None, title=None, axis=alt.Axis(labelLimit=150, ticks=False)),
            x=alt.X("images:Q", title="Images", axis=alt.Axis(tickMinStep=1, format=",d")),
            tooltip=[alt.Tooltip("class:N", title="Class"), _images()],
        )
        .properties(height=max(_ROW * len(table), 60))
    )
    if not is_clickable:
        return chart
    pick = alt.selection_point(name=PICK, fields=["class"])
    faded = alt.condition(pick, alt.value(1.0), alt.value(0.35))
    return chart.encode(opacity=faded).add_params(pick)


def size_bars(table: pd.DataFrame) -> alt.Chart:
    """Standing bars; columns side and images."""
    return (
        alt.Chart(table)
        .mark_bar(color=COLOURS[0], cornerRadiusEnd=2)
        .encode(
            x=alt.X(
                "side:N",
                sort=None,
                title="Longer side (pixels)",
                axis=alt.Axis(labelAngle=0, ticks=False),
            ),
            y=alt.Y("images:Q", title="Images", axis=alt.Axis(tickMinStep=1, format=",d")),
            tooltip=[alt.Tooltip("side:N", title="Pixels"), _images()],
        )
        .properties(height=220)
    )


def _images() -> alt.Tooltip:
    return alt.Tooltip("images:Q", title="Images", format=",d")
