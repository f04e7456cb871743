"""Curves: a line and a band a model, points to click; one code length, or small multiples."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.charts.palette import styles

PICK = "pick"  # name of the selection that a click on a point makes
_LEGEND = "models"  # name of the selection that a click on the legend makes
_HEIGHT = 380  # with the legend, on a page
_FACET_HEIGHT = 240
_FACET = 330  # pixels across, of one of several


@dataclass(frozen=True)
class Axes:
    """What the axes of a chart of curves say.

    Attributes:
        x_title: of the horizontal axis.
        y_title: of the vertical axis.
        is_share: whether x is a share as well.
        is_log: logarithmic horizontal axis.
        is_bounded: whether y is a share of something whole, drawn from 0 to 1.
        is_log_y: logarithmic vertical axis, of values that are no shares.
    """

    x_title: str
    y_title: str
    is_share: bool = False
    is_log: bool = False
    is_bounded: bool = True
    is_log_y: bool = False


def curves(table: pd.DataFrame, methods: list[str], axes: Axes) -> alt.LayerChart:
    """One chart. A click on the legend isolates a model; on a point it selects model, bits and at.

    Args:
        table: columns model, method, bits, at, x, y, low, high (shares), is_point.
        methods: all methods that may ever be shown beside these, so that colours stay.
        axes: what they say.
    """
    isolated = alt.selection_point(name=_LEGEND, fields=["model"], bind="legend")
    shown = table.drop(columns="method").assign(length=table["bits"].astype(str) + " bits")
    base = alt.Chart(shown)
    x, y, unit = _x(axes), _y(axes), _unit(axes)
    colour, dash = _looks(table, methods)
    layers = [
        base.mark_area(clip=True).encode(
            x=x,
            y=alt.Y("low:Q", title=axes.y_title, scale=unit),
            y2="high:Q",
            color=colour,
            opacity=alt.condition(isolated, alt.value(0.16), alt.value(0.01)),
        ),
        base.mark_line(strokeWidth=2.5, clip=True).encode(
            x=x,
            y=y,
            order="at:Q",
            color=colour,
            strokeDash=dash,
            opacity=alt.condition(isolated, alt.value(1.0), alt.value(0.08)),
        ),
    ]
    if table["is_point"].any():
        points = base.transform_filter("datum.is_point").mark_point(
            filled=True, size=64, cursor="pointer"
        )
        pick = alt.selection_point(name=PICK, fields=["model", "bits", "at"])
        layers.append(
            points.encode(
                x=x,
                y=y,
                color=colour,
                opacity=alt.condition(isolated, alt.value(1.0), alt.value(0.05)),
                tooltip=_tooltip(axes),
            ).add_params(pick)
        )
    return alt.LayerChart(layer=layers).add_params(isolated).properties(height=_HEIGHT)


def small_multiples(table: pd.DataFrame, methods: list[str], axes: Axes) -> alt.FacetChart:
    """The chart with a facet per code length, for files and reports; axes are shared."""
    lengths = [f"{bits} bits" for bits in sorted(set(table["bits"]))]
    return (
        curves(table, methods, axes)
        .properties(width=_FACET, height=_FACET_HEIGHT)
        .facet(
            facet=alt.Facet(
                "length:N",
                sort=lengths,
                title=None,
                header=alt.Header(labelFontSize=13, labelFontWeight="bold"),
            ),
            columns=2,
        )
        .resolve_axis(x="independent")
    )


def _looks(table: pd.DataFrame, methods: list[str]) -> tuple[alt.Color, alt.StrokeDash]:
    """Colour and dash of each model."""
    models = list(dict.fromkeys(table["model"]))
    method_of = dict(zip(table["model"], table["method"], strict=True))
    look = styles([*methods, *method_of.values()])
    used = [look[method_of[model]] for model in models]
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=2,
        labelLimit=260,
        symbolType="stroke",
        symbolSize=420,
        symbolStrokeWidth=2.5,
        symbolOpacity=1,
    )
    colours = alt.Scale(domain=models, range=[one.colour for one in used])
    dashes = alt.Scale(domain=models, range=[one.dash for one in used])
    return (
        alt.Color("model:N", sort=models, scale=colours, legend=legend),
        alt.StrokeDash("model:N", sort=models, scale=dashes, legend=legend),
    )


def _x(axes: Axes) -> alt.X:
    if axes.is_share:
        scale, axis = alt.Scale(domain=[0, 1], nice=False), alt.Axis(format=".0%")
    else:
        scale = alt.Scale(type="log" if axes.is_log else "linear", nice=False)
        axis = alt.Axis(format="~s", tickCount=6)
    return alt.X("x:Q", title=axes.x_title, scale=scale, axis=axis)


def _y(axes: Axes) -> alt.Y:
    form = "~g" if axes.is_log_y else ".0%"
    return alt.Y("y:Q", title=axes.y_title, scale=_unit(axes), axis=alt.Axis(format=form))


def _unit(axes: Axes) -> alt.Scale:
    if axes.is_log_y:
        return alt.Scale(type="log")
    return alt.Scale(domain=[0, 1], nice=False) if axes.is_bounded else alt.Scale(zero=False)


def _tooltip(axes: Axes) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("length:N", title="Code"),
        alt.Tooltip("at:Q", title="At", format=","),
        alt.Tooltip("x:Q", title=axes.x_title, format=".1%" if axes.is_share else ","),
        alt.Tooltip("y:Q", title=axes.y_title, format=".1%"),
        alt.Tooltip("low:Q", title="from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
    ]
