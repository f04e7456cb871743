"""How many images have each value: bars for classes and for sizes."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS

_NAMES = alt.Axis(labelLimit=150, labelOverlap=False, labelFlush=False, ticks=False)
PICK = "pick"  # name of the selection that a click makes
_ROW, _AXIS = 18, 50  # pixels a bar, and of the axis below


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
            y=alt.Y("class:N", sort=None, title=None, axis=_NAMES),
            x=alt.X("images:Q", title="Images", axis=alt.Axis(tickMinStep=1, format=",d")),
            tooltip=[alt.Tooltip("class:N", title="Class"), _images()],
        )
        .properties(height=height_of(table))
    )
    if not is_clickable:
        return chart
    pick = alt.selection_point(name=PICK, fields=["class"])
    faded = alt.condition(pick, alt.value(1.0), alt.value(0.35))
    return chart.encode(opacity=faded).add_params(pick)


def size_bars(table: pd.DataFrame, height: int) -> alt.Chart:
    """Standing bars.

    Args:
        table: columns side and images.
        height: in pixels, that of the chart beside.
    """
    return (
        alt.Chart(table)
        .mark_bar(color=COLOURS[0], cornerRadiusEnd=2, width={"band": 0.6})
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
        .properties(height=height)
    )


def height_of(table: pd.DataFrame) -> int:
    """Pixels that `class_bars` of a table needs."""
    return max(_ROW * len(table) + _AXIS, 160)


def _images() -> alt.Tooltip:
    return alt.Tooltip("images:Q", title="Images", format=",d")
