"""How many there are of each value: bars for classes, sizes and groups of near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL

_NAMES = alt.Axis(labelLimit=150, labelOverlap=False, labelFlush=False, ticks=False)
PICK = "pick"  # name of the selection that a click makes
_ROW, _AXIS = 18, 50  # pixels a bar, and of the axis below
_GROUPS = 110  # pixels


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


def group_bars(counts: Sequence[int], chosen: int) -> alt.LayerChart:
    """Standing bars with their numbers above.

    Args:
        counts: groups at each number of bits that may differ, from 0.
        chosen: number of bits whose bar stands out.
    """
    table = pd.DataFrame({"bits": range(len(counts)), "groups": counts})
    is_chosen = alt.datum.bits == chosen
    base = alt.Chart(table).encode(
        x=alt.X("bits:O", title=None, axis=alt.Axis(labelAngle=0, ticks=False)),
        y=alt.Y("groups:Q", title=None, axis=None),
        tooltip=[
            alt.Tooltip("bits:O", title="Bits that may differ"),
            alt.Tooltip("groups:Q", title="Groups", format=",d"),
        ],
    )
    bars = base.mark_bar(cornerRadiusEnd=2, width={"band": 0.6}).encode(
        color=alt.condition(is_chosen, alt.value(COLOURS[0]), alt.value(NEUTRAL))
    )
    numbers = base.mark_text(dy=-8, fontSize=12, color=NEUTRAL).encode(
        text=alt.Text("groups:Q", format=",d")
    )
    return alt.LayerChart(layer=[bars, numbers]).properties(height=_GROUPS)


def height_of(table: pd.DataFrame) -> int:
    """Pixels that `class_bars` of a table needs."""
    return max(_ROW * len(table) + _AXIS, 160)


def _images() -> alt.Tooltip:
    return alt.Tooltip("images:Q", title="Images", format=",d")
