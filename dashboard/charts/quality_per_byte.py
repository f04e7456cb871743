"""Quality per byte: a point per method or alternative, its interval, and the front of what pays."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL

PICK = "pick"  # name of the selection that a click makes
_WHOLE, _HEIGHT = 480, 360  # pixels, with and without axis and legend
_LETTER, _LINE = 7.2, 18  # pixels of a label's letter and line
_MARK = 8  # pixels around a point where no label may stand
_SIDE, _MARGIN = 40, 28  # pixels left free beside the points, and above and below them
_SIDES = (("above", -19), ("below", 20))  # of a point, with the distance of its label
_WIDE, _NARROW = 780, 290  # widths that labels are placed for
_BREAK = 740  # pixels; a narrower chart has the labels of `_NARROW`
_COLOURS = (COLOURS[0], COLOURS[1], NEUTRAL)
_SHAPES = ("circle", "triangle-up", "square")


class _Look(NamedTuple):
    """Colour and shape of the kinds that are drawn."""

    kinds: list[str]
    colours: alt.Scale
    shapes: alt.Scale

    @classmethod
    def of(cls, shown: pd.DataFrame, kinds: tuple[str, ...]) -> _Look:
        places = [place for place, kind in enumerate(kinds) if (shown["kind"] == kind).any()]
        present = [kinds[place] for place in places]
        colours, shapes = (
            alt.Scale(domain=present, range=[values[place] for place in places])
            for values in (_COLOURS, _SHAPES)
        )
        return cls(present, colours, shapes)


def quality_per_byte(points: pd.DataFrame, kinds: tuple[str, ...], *, title: str) -> alt.LayerChart:
    """The chart. A click on a method's point selects it under the name `PICK` (field run).

    Args:
        points: columns series, title, label, kind, bytes, value (a share), half, run,
            is_labelled, is_front.
        kinds: all kinds, in the order of colours and shapes: the last is drawn in grey.
        title: of the quality.
    """
    shown = points.assign(
        percent=100 * points["value"],
        low=100 * (points["value"] - points["half"]),
        high=100 * (points["value"] + points["half"]),
        words=[
            f"{name} {100 * value:.1f}"
            for name, value in zip(points["label"], points["value"], strict=True)
        ],
    ).drop(columns=["value", "half"])
    x = alt.X(
        "bytes:Q",
        title="Bytes per image",
        scale=alt.Scale(type="log", nice=False, padding=_SIDE),
        axis=alt.Axis(values=_ticks(shown["bytes"]), format=",d", labelOverlap=True, grid=False),
    )
    low, high = _extent(shown)
    y = alt.Y("percent:Q", title=f"{title} (%)", scale=alt.Scale(domain=[low, high], nice=False))
    look = _Look.of(shown, kinds)
    layers = [
        *_reference(shown, y),
        _front(shown, x, y),
        *_series(shown, x, y),
        _points(shown, look, x, y, title),
        *_labels(shown, x, y, _WIDE, f"width >= {_BREAK} ? 1 : 0"),
        *_labels(shown, x, y, _NARROW, f"width < {_BREAK} ? 1 : 0"),
    ]
    return alt.LayerChart(layer=layers).properties(height=_WHOLE)


def _ticks(sizes: pd.Series) -> list[int]:
    """Powers of two from the smallest size to the largest, and the largest itself."""
    low, high = int(sizes.min()), int(sizes.max())
    powers = [2**power for power in range(16) if low <= 2**power <= 0.75 * high]
    return [*powers, high]


def _extent(shown: pd.DataFrame) -> tuple[float, float]:
    """Lowest and highest percent of the chart: all intervals, and room for the names above."""
    values = shown[["low", "percent", "high"]].to_numpy(float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = _MARGIN * max(high - low, 1) / (_HEIGHT - 2 * _MARGIN)
    return low - room, high + room


def _reference(shown: pd.DataFrame, y: alt.Y) -> list[alt.Chart]:
    """The features as they are: a dotted line at the largest size."""
    largest = shown[shown["series"].str.startswith("float")]
    if largest.empty:
        largest = shown[shown["bytes"] == shown["bytes"].max()]
    rule = alt.Chart(largest[["percent"]].head(1))
    return [rule.mark_rule(color=NEUTRAL, strokeDash=[1, 3], strokeWidth=1.5).encode(y=y)]


def _front(shown: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    front = shown[shown["is_front"]].sort_values("bytes")[["bytes", "percent", "is_labelled"]]
    return (
        alt.Chart(front)
        .mark_line(color=NEUTRAL, interpolate="step-after", strokeWidth=5, opacity=0.3)
        .encode(x=x, y=y, detail="is_labelled:N")
    )


def _series(shown: pd.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Thin lines between the sizes of one model or family, and the intervals."""
    lines = _layer(shown[shown["series"] != "signs"])  # those are two queries of one size
    intervals = _layer(shown.dropna(subset=["low"]))
    low = alt.Y("low:Q", title=y["title"], scale=y["scale"])
    return [
        *(
            one.mark_line(color=NEUTRAL, strokeWidth=1, opacity=0.7).encode(
                x=x, y=y, detail="series:N"
            )
            for one in lines
        ),
        *(
            one.mark_rule(color=NEUTRAL, strokeWidth=1.5, opacity=0.45).encode(
                x=x, y=low, y2="high:Q"
            )
            for one in intervals
        ),
    ]


def _layer(shown: pd.DataFrame) -> list[alt.Chart]:
    """A layer of some points; none without any, since Vega warns of their scale."""
    columns = ["series", "bytes", "percent", "low", "high", "words"]
    return [alt.Chart(shown[columns])] if len(shown) else []


def _points(shown: pd.DataFrame, look: _Look, x: alt.X, y: alt.Y, title: str) -> alt.Chart:
    legend = alt.Legend(
        title=None, orient="top", columns=3, labelLimit=220, symbolSize=110, symbolStrokeWidth=0
    )
    return (
        alt.Chart(shown)
        .mark_point(size=110, filled=True, opacity=1, cursor="pointer")
        .encode(
            x=x,
            y=y,
            color=alt.Color("kind:N", sort=look.kinds, scale=look.colours, legend=legend),
            shape=alt.Shape("kind:N", sort=look.kinds, scale=look.shapes, legend=legend),
            tooltip=[
                alt.Tooltip("title:N", title="Stored"),
                alt.Tooltip("bytes:Q", title="Bytes per image", format=","),
                alt.Tooltip("percent:Q", title=f"{title} %", format=".1f"),
                alt.Tooltip("low:Q", title="from", format=".1f"),
                alt.Tooltip("high:Q", title="to", format=".1f"),
                alt.Tooltip("is_front:N", title="On the front"),
            ],
        )
        .add_params(alt.selection_point(name=PICK, fields=["run"]))
    )


def _labels(shown: pd.DataFrame, x: alt.X, y: alt.Y, width: int, opacity: str) -> list[alt.Chart]:
    """Names beside the points, above or below, where they touch neither names nor points."""
    placed = placed_labels(shown, width)
    return [
        one.mark_text(
            color=NEUTRAL,
            fontSize=13,
            fontWeight=600,
            dy=dy,
            opacity=alt.expr(opacity),
        ).encode(x=x, y=y, text="words:N")
        for side, dy in _SIDES
        for one in _layer(placed[placed["side"] == side])
    ]


def placed_labels(shown: pd.DataFrame, width: int) -> pd.DataFrame:
    """The points that can carry their names in a chart of a width, with the side: above or below.

    Those on the front come first, then the best of each series, then the others.

    Args:
        shown: columns series, bytes, percent, low, high, words, is_front.
        width: of the chart in pixels.
    """
    x = np.log(shown["bytes"].to_numpy(float))
    y = shown["percent"].to_numpy(float)
    across = (width - 2 * _SIDE) * (x - x.min()) / max(np.ptp(x), 1e-9) + _SIDE
    low, high = _extent(shown)
    down = _HEIGHT * (high - y) / (high - low)
    best = shown.groupby("series")["percent"].transform("max") == shown["percent"]
    order = np.lexsort((-y, ~best, ~shown["is_front"].to_numpy(bool)))
    taken = [
        (a - _MARK, a + _MARK, b - _MARK, b + _MARK) for a, b in zip(across, down, strict=True)
    ]
    sides = [""] * len(shown)
    for place, (side, dy) in product(order, _SIDES):
        half = _LETTER * len(shown["words"].iloc[place]) / 2
        centre = down[place] + dy
        box = (across[place] - half, across[place] + half, centre - _LINE / 2, centre + _LINE / 2)
        is_inside = box[0] >= -8 and box[1] <= width + 8
        if not sides[place] and is_inside and not any(_touch(box, other) for other in taken):
            sides[place] = side
            taken.append(box)
    return shown.assign(side=sides)[[bool(side) for side in sides]]


def _touch(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
