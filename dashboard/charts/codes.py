"""Charts of codes: balance, correlation, distances, outputs, lookup, and bits dropped."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, NEUTRAL, RELEVANCE, SHAPES

_HEIGHT = 240
_MOST_CELLS = 64  # bits of a correlation map; more would be more marks than a browser likes


def balance(bits: pd.DataFrame) -> alt.LayerChart:
    """Share of ones of each bit, with the ideal as a line.

    Args:
        bits: columns bit, ones, entropy.
    """
    bars = (
        alt.Chart(bits)
        .mark_bar(color=COLOURS[0])
        .encode(
            x=alt.X("bit:O", title="Bit", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y(
                "ones:Q",
                title="Share of ones",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%"),
            ),
            tooltip=[
                alt.Tooltip("bit:O", title="Bit"),
                alt.Tooltip("ones:Q", title="Ones", format=".1%"),
                alt.Tooltip("entropy:Q", title="Entropy", format=".3f"),
            ],
        )
    )
    ideal = alt.Chart(pd.DataFrame({"ones": [0.5]}))
    rule = ideal.mark_rule(color=COLOURS[1], strokeDash=[5, 4], strokeWidth=1.5)
    return alt.LayerChart(layer=[bars, rule.encode(y="ones:Q")]).properties(height=_HEIGHT)


def drift(table: pd.DataFrame) -> alt.LayerChart:
    """Share of ones of each bit, a mark for each part of the images.

    Args:
        table: columns part, bit, ones.
    """
    parts = list(dict.fromkeys(table["part"]))
    legend = alt.Legend(title=None, orient="top", symbolSize=90)
    marks = (
        alt.Chart(table)
        .mark_point(filled=True, size=60, opacity=0.85)
        .encode(
            x=alt.X("bit:O", title="Bit", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("ones:Q", title="Share of ones", axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "part:N",
                sort=parts,
                scale=alt.Scale(domain=parts, range=list(COLOURS[: len(parts)])),
                legend=legend,
            ),
            shape=alt.Shape(
                "part:N",
                sort=parts,
                scale=alt.Scale(domain=parts, range=list(SHAPES[: len(parts)])),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("part:N", title="Images"),
                alt.Tooltip("bit:O", title="Bit"),
                alt.Tooltip("ones:Q", title="Ones", format=".1%"),
            ],
        )
    )
    ideal = alt.Chart(pd.DataFrame({"ones": [0.5]}))
    rule = ideal.mark_rule(color=NEUTRAL, strokeDash=[5, 4], strokeWidth=1.5)
    return alt.LayerChart(layer=[rule.encode(y="ones:Q"), marks]).properties(height=_HEIGHT)


def correlation(pairs: pd.DataFrame) -> alt.Chart:
    """Correlation of bits, blue below and red above zero; the first bits where there are many.

    Args:
        pairs: columns first, second, correlation.
    """
    shown = pairs[(pairs["first"] <= _MOST_CELLS) & (pairs["second"] <= _MOST_CELLS)]
    axis = alt.Axis(labelOverlap=True, labelAngle=0, ticks=False)
    return (
        alt.Chart(shown)
        .mark_rect()
        .encode(
            x=alt.X("first:O", title="Bit", axis=axis),
            y=alt.Y("second:O", title="Bit", axis=axis),
            color=alt.Color(
                "correlation:Q",
                title="Correlation",
                scale=alt.Scale(scheme="blueorange", domain=[-1, 1], domainMid=0),
            ),
            tooltip=[
                alt.Tooltip("first:O", title="Bit"),
                alt.Tooltip("second:O", title="and bit"),
                alt.Tooltip("correlation:Q", title="Correlation", format="+.2f"),
            ],
        )
        .properties(height=320)
    )


def distances(table: pd.DataFrame, radius: int) -> alt.LayerChart:
    """Distances of pairs of the same and of different classes, with the radius of the lookup.

    Args:
        table: columns distance, pairs, share.
        radius: to mark.
    """
    kinds = ["same class", "different class"]
    colours = [RELEVANCE["relevant"], COLOURS[1]]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=420)
    base = alt.Chart(table).encode(
        x=alt.X("distance:Q", title="Hamming distance (bits)", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("share:Q", title="Share of pairs", stack=None, axis=alt.Axis(format=".0%")),
        color=alt.Color(
            "pairs:N",
            sort=kinds,
            scale=alt.Scale(domain=kinds, range=colours),
            legend=legend,
        ),
    )
    dash = alt.StrokeDash(
        "pairs:N", sort=kinds, scale=alt.Scale(domain=kinds, range=[[1, 0], [6, 3]]), legend=legend
    )
    areas = [base.mark_area(opacity=0.25), base.mark_line(strokeWidth=2).encode(strokeDash=dash)]
    line = alt.Chart(pd.DataFrame({"distance": [radius]}))
    rule = line.mark_rule(color=NEUTRAL, strokeDash=[4, 3], strokeWidth=1.5)
    return alt.LayerChart(layer=[*areas, rule.encode(x="distance:Q")]).properties(height=_HEIGHT)


def outputs(table: pd.DataFrame) -> alt.Chart:
    """Outputs before the sign, in units of their mean size.

    Args:
        table: columns output, share.
    """
    return (
        alt.Chart(table)
        .mark_bar(color=COLOURS[0])
        .encode(
            x=alt.X("output:Q", title="Output before the sign (mean size = 1)"),
            y=alt.Y("share:Q", title="Share of outputs", axis=alt.Axis(format=".0%")),
            tooltip=[
                alt.Tooltip("output:Q", title="Output", format="+.2f"),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
            ],
        )
        .properties(height=_HEIGHT)
    )


def lookup(table: pd.DataFrame, radius: int) -> alt.LayerChart:
    """Recall, precision and empty lookups by radius, with one radius marked.

    Args:
        table: columns radius, precision, recall, empty (shares).
        radius: to mark.
    """
    names = ["recall", "precision", "empty"]
    long = table.melt("radius", names, var_name="measure", value_name="share")
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=420)
    colours = alt.Scale(domain=names, range=list(COLOURS[:3]))
    dashes = alt.Scale(domain=names, range=[[1, 0], [6, 3], [2, 2]])
    share = alt.Scale(domain=[0, 1])
    lines = (
        alt.Chart(long)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("radius:Q", title="Radius (bits)", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("share:Q", title="Share", scale=share, axis=alt.Axis(format=".0%")),
            color=alt.Color("measure:N", sort=names, scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("measure:N", sort=names, scale=dashes, legend=legend),
        )
    )
    mark = alt.Chart(pd.DataFrame({"radius": [radius]}))
    rule = mark.mark_rule(color=NEUTRAL, strokeDash=[4, 3], strokeWidth=1.5)
    return alt.LayerChart(layer=[lines, rule.encode(x="radius:Q")]).properties(height=_HEIGHT)


def dropped(course: pd.DataFrame) -> alt.Chart:
    """The mAP by bits that are left.

    Args:
        course: columns left, map (share), dropped (the bit that went last).
    """
    return (
        alt.Chart(course.assign(percent=100 * course["map"]))
        .mark_line(point=True, color=COLOURS[0])
        .encode(
            x=alt.X(
                "left:Q",
                title="Bits left",
                scale=alt.Scale(domain=[int(course["left"].max()), 1], nice=False),
                axis=alt.Axis(tickMinStep=1),
            ),
            y=alt.Y("percent:Q", title="mAP (%)", scale=alt.Scale(zero=False)),
            tooltip=[
                alt.Tooltip("left:Q", title="Bits left"),
                alt.Tooltip("percent:Q", title="mAP %", format=".1f"),
                alt.Tooltip("dropped:N", title="Dropped last"),
            ],
        )
        .properties(height=_HEIGHT)
    )
