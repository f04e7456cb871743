"""Growth: quality or search time by the number of images, a line per method and alternative."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import DASHES, NEUTRAL, SHAPES, styles

_HEIGHT = 360


def growth(
    points: pd.DataFrame, methods: list[str], *, title: str, is_time: bool
) -> alt.LayerChart:
    """The chart; bars are 95 % intervals over queries, of a quality alone.

    Args:
        points: columns title, method, kind, n_images, times, value, low, high, search_ms.
        methods: all methods that may ever be shown beside these, so that colours stay.
        title: of the vertical axis, with its unit.
        is_time: whether milliseconds are drawn, on a log axis, in place of the value.
    """
    factor = 1 if is_time else 100
    column = "search_ms" if is_time else "value"
    shown = points.assign(
        y=factor * points[column].astype(float),
        low=100 * points["low"].astype(float),
        high=100 * points["high"].astype(float),
    )
    base = alt.Chart(shown[["title", "n_images", "times", "y", "low", "high", "search_ms"]])
    x = alt.X(
        "n_images:Q",
        title="Images in the database",
        scale=alt.Scale(type="log", nice=False, padding=24),
        axis=alt.Axis(values=sorted(set(points["n_images"])), format=",", labelOverlap=True),
    )
    scale = alt.Scale(type="log") if is_time else alt.Scale(zero=False, padding=12)
    y = alt.Y("y:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6, format="~g"))
    looks = _looks(points, methods)
    rules = base.mark_rule(opacity=0.45).encode(
        x=x, y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q", color=looks["color"]
    )
    lines = base.mark_line(strokeWidth=2.2).encode(
        x=x, y=y, color=looks["color"], strokeDash=looks["strokeDash"]
    )
    marks = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x,
        y=y,
        color=looks["color"],
        shape=looks["shape"],
        tooltip=[
            alt.Tooltip("title:N", title="Stored"),
            alt.Tooltip("n_images:Q", title="Images", format=","),
            alt.Tooltip("times:Q", title="Times the database", format=".3~g"),
            alt.Tooltip("y:Q", title=title, format=".4~g"),
            alt.Tooltip("search_ms:Q", title="Search (ms)", format=".3~g"),
        ],
    )
    layers = [lines, marks] if is_time else [rules, lines, marks]
    return alt.LayerChart(layer=layers).properties(height=_HEIGHT)


def _looks(points: pd.DataFrame, methods: list[str]) -> dict[str, alt.SchemaBase]:
    """Colour, dash and shape of each line: methods as everywhere, alternatives in grey."""
    titles = list(dict.fromkeys(points["title"]))
    method_of = dict(zip(points["title"], points["method"], strict=True))
    look = styles([*methods, *filter(None, method_of.values())])
    others = [title for title in titles if not method_of[title]]
    colours, dashes, shapes = [], [], []
    for title in titles:
        if method := method_of[title]:
            colours.append(look[method].colour)
            dashes.append([1, 0])
            shapes.append(look[method].shape)
        else:
            place = others.index(title)
            colours.append(NEUTRAL)
            dashes.append(DASHES[1 + place % (len(DASHES) - 1)])
            shapes.append(SHAPES[place % len(SHAPES)])
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=2,
        labelLimit=220,
        symbolSize=90,
        symbolStrokeWidth=0,
        symbolOpacity=1,
    )
    return {
        "color": alt.Color(
            "title:N", sort=titles, scale=alt.Scale(domain=titles, range=colours), legend=legend
        ),
        "strokeDash": alt.StrokeDash(
            "title:N", sort=titles, scale=alt.Scale(domain=titles, range=dashes), legend=None
        ),
        "shape": alt.Shape(
            "title:N", sort=titles, scale=alt.Scale(domain=titles, range=shapes), legend=legend
        ),
    }
