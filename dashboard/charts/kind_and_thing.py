"""Same kind against same thing: a point for each method and length, with both intervals."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import NEUTRAL, styles
from dashboard.charts.tradeoff import apart

_KIND, _THING = "Same kind: mAP (%)", "Same thing: mAP of copies (%)"
_PADDING = 24  # pixels around the points, for their names


def kind_and_thing(
    rows: pd.DataFrame, methods: list[str], references: pd.DataFrame
) -> alt.LayerChart:
    """The chart.

    Args:
        rows: columns model, method, bits, kind, kind_half, thing, thing_half (shares).
        methods: all methods that may ever be shown beside these, so that colours stay.
        references: columns name, kind, thing (shares); without a kind they are a rule.
    """
    shown = pd.DataFrame(
        {
            "model": rows["model"],
            "method": rows["method"],
            "bits": rows["bits"],
            "words": [
                f"{model.partition(' (')[0].partition(',')[0]} {bits}"
                for model, bits in zip(rows["model"], rows["bits"], strict=True)
            ],
            "kind": 100 * rows["kind"],
            "kind_low": 100 * (rows["kind"] - rows["kind_half"]),
            "kind_high": 100 * (rows["kind"] + rows["kind_half"]),
            "thing": 100 * rows["thing"],
            "thing_low": 100 * (rows["thing"] - rows["thing_half"]),
            "thing_high": 100 * (rows["thing"] + rows["thing_half"]).clip(upper=1),
        }
    )
    intervals = alt.Chart(shown).mark_rule(color=NEUTRAL, strokeWidth=1.5, opacity=0.7)
    layers = [
        *_reference_layers(references.assign(kind=100 * references["kind"].astype(float))),
        intervals.encode(x=_x("kind_low"), x2="kind_high:Q", y=_y("thing")),
        intervals.encode(x=_x("kind"), y=_y("thing_low"), y2="thing_high:Q"),
        _points(shown, methods),
        alt.Chart(shown[apart(shown["kind"], shown["thing"], is_log=False)])
        .mark_text(color=NEUTRAL, dy=-14, fontSize=12)
        .encode(x=_x("kind"), y=_y("thing"), text="words:N"),
    ]
    return alt.LayerChart(layer=layers).properties(height=360)


def _x(field: str) -> alt.X:
    return alt.X(f"{field}:Q", title=_KIND, scale=alt.Scale(zero=False, padding=2 * _PADDING))


def _y(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=_THING, scale=alt.Scale(zero=False, padding=_PADDING))


def _points(shown: pd.DataFrame, methods: list[str]) -> alt.Chart:
    used = list(dict.fromkeys(shown["method"]))
    look = styles([*methods, *used])
    titles = dict(zip(shown["method"], shown["model"].str.split(",").str[0], strict=True))
    names = [titles[method] for method in used]
    legend = alt.Legend(
        title=None, orient="top", columns=4, labelLimit=140, symbolSize=90, symbolStrokeWidth=0
    )
    colours, shapes = ([getattr(look[one], name) for one in used] for name in ("colour", "shape"))
    return (
        alt.Chart(shown.assign(family=shown["method"].map(titles)))
        .mark_point(size=100, filled=True, opacity=1)
        .encode(
            x=_x("kind"),
            y=_y("thing"),
            color=alt.Color(
                "family:N", scale=alt.Scale(domain=names, range=colours), legend=legend
            ),
            shape=alt.Shape("family:N", scale=alt.Scale(domain=names, range=shapes), legend=legend),
            tooltip=[
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("bits:Q", title="Bits"),
                alt.Tooltip("kind:Q", title="mAP %, same kind", format=".1f"),
                alt.Tooltip("thing:Q", title="mAP %, copies", format=".1f"),
            ],
        )
    )


def _reference_layers(references: pd.DataFrame) -> list[alt.Chart]:
    """A hollow point for a reference with both values, a dotted rule for one by copies alone."""
    shown = references.assign(thing=100 * references["thing"].astype(float))
    points, rules = shown[shown["kind"].notna()], shown[shown["kind"].isna()]
    base, line = alt.Chart(points), alt.Chart(rules)
    return [
        line.mark_rule(color=NEUTRAL, strokeDash=[2, 3]).encode(y=_y("thing")),
        line.mark_text(color=NEUTRAL, align="left", dx=4, dy=-6).encode(
            x=alt.value(0), y=_y("thing"), text="name:N"
        ),
        base.mark_point(size=110, color=NEUTRAL, filled=False, shape="cross").encode(
            x=_x("kind"), y=_y("thing"), tooltip=["name:N", "kind:Q", "thing:Q"]
        ),
        base.mark_text(color=NEUTRAL, dy=-16).encode(x=_x("kind"), y=_y("thing"), text="name:N"),
    ]
