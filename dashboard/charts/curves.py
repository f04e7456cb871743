"""Small multiples of curves: a facet a code length, a line and a band a model, points to click."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import styles

PICK = "pick"  # name of the selection that a click on a point makes
_LEGEND = "models"  # name of the selection that a click on the legend makes
_HEIGHT = 260
_WIDE, _NARROW = 640, 330  # of one facet, alone and beside others


def curves(
    table: pd.DataFrame,
    methods: list[str],
    *,
    x_title: str,
    y_title: str,
    is_share: bool,
    is_log: bool,
) -> alt.FacetChart:
    """The chart. A click on the legend isolates a model; on a point it selects model, bits and at.

    Args:
        table: columns model, method, bits, at, x, y, low, high (shares), is_point.
        methods: all methods that may ever be shown beside these, so that colours stay.
        x_title: of the horizontal axis.
        y_title: of the vertical axis.
        is_share: whether x is a share as well.
        is_log: logarithmic horizontal axis.
    """
    models = list(dict.fromkeys(table["model"]))
    method_of = dict(zip(table["model"], table["method"], strict=True))
    look = styles([*methods, *method_of.values()])
    used = [look[method_of[model]] for model in models]
    shown = table.drop(columns="method").assign(length=table["bits"].astype(str) + " bits")
    isolated = alt.selection_point(name=_LEGEND, fields=["model"], bind="legend")
    pick = alt.selection_point(name=PICK, fields=["model", "bits", "at"])
    axis = alt.Axis(format=".0%") if is_share else alt.Axis(format="~s", tickCount=6)
    scale = (
        alt.Scale(domain=[0, 1], nice=False)
        if is_share
        else alt.Scale(type="log" if is_log else "linear", nice=False)
    )
    x = alt.X("x:Q", title=x_title, scale=scale, axis=axis)
    unit = alt.Scale(domain=[0, 1], nice=False)
    y = alt.Y("y:Q", title=y_title, scale=unit, axis=alt.Axis(format=".0%"))
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=3,
        labelLimit=260,
        symbolType="stroke",
        symbolSize=420,
        symbolStrokeWidth=2.5,
        symbolOpacity=1,
    )
    colour = alt.Color(
        "model:N",
        sort=models,
        scale=alt.Scale(domain=models, range=[one.colour for one in used]),
        legend=legend,
    )
    dash = alt.StrokeDash(
        "model:N",
        sort=models,
        scale=alt.Scale(domain=models, range=[one.dash for one in used]),
        legend=legend,
    )
    base = alt.Chart(shown)
    band = base.mark_area(clip=True).encode(
        x=x,
        y=alt.Y("low:Q", title=y_title, scale=unit),
        y2="high:Q",
        color=colour,
        opacity=alt.condition(isolated, alt.value(0.16), alt.value(0.01)),
    )
    line = base.mark_line(strokeWidth=2.5, clip=True).encode(
        x=x,
        y=y,
        order="at:Q",
        color=colour,
        strokeDash=dash,
        opacity=alt.condition(isolated, alt.value(1.0), alt.value(0.08)),
    )
    points = (
        base.transform_filter("datum.is_point")
        .mark_point(filled=True, size=64, cursor="pointer")
        .encode(
            x=x,
            y=y,
            color=colour,
            opacity=alt.condition(isolated, alt.value(1.0), alt.value(0.05)),
            tooltip=_tooltip(x_title, y_title, is_share),
        )
        .add_params(pick)
    )
    width = _WIDE if table["bits"].nunique() == 1 else _NARROW
    lengths = [f"{bits} bits" for bits in sorted(set(table["bits"]))]
    return (
        alt.layer(band, line, points)
        .add_params(isolated)
        .properties(width=width, height=_HEIGHT)
        .facet(
            facet=alt.Facet(
                "length:N",
                sort=lengths,
                title=None,
                header=alt.Header(labelFontSize=13, labelFontWeight="bold"),
            ),
            columns=1 if len(lengths) == 1 else 2,
        )
        .resolve_axis(x="independent")
    )


def _tooltip(x_title: str, y_title: str, is_share: bool) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("length:N", title="Code"),
        alt.Tooltip("at:Q", title="At", format=","),
        alt.Tooltip("x:Q", title=x_title, format=".1%" if is_share else ","),
        alt.Tooltip("y:Q", title=y_title, format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
