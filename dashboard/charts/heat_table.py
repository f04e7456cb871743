"""Heat table: mAP of each model at each code length, the best of a length framed."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS

_ROW = 38  # pixels of a model
_AXIS = 70  # pixels of the lengths and their title above the cells
_BAND = ["#eef4fa", "#08306b"]  # one hue, so that light and dark mean less and more to everyone


def heat_table(rows: pd.DataFrame) -> alt.LayerChart:
    """Heat table of mAP by model and code length.

    Args:
        rows: columns model, bits, map (shares), best first.
    """
    shown = rows[["model", "bits"]].assign(
        percent=100 * rows["map"],
        is_best=rows["map"] == rows.groupby("bits")["map"].transform("max"),
    )
    low, high = float(shown["percent"].min()), float(shown["percent"].max())
    models = list(dict.fromkeys(shown["model"]))
    base = alt.Chart(shown).encode(
        x=alt.X(
            "bits:O",
            title="Code length (bits)",
            axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False),
        ),
        y=alt.Y(
            "model:N",
            sort=models,
            title=None,
            axis=alt.Axis(
                labelLimit=230, labelFontSize=12, labelBaseline="middle", ticks=False, domain=False
            ),
        ),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("bits:O", title="Bits"),
            alt.Tooltip("percent:Q", title="mAP %", format=".1f"),
        ],
    )
    middle = (low + high) / 2
    layers = [
        base.mark_rect(strokeWidth=3).encode(
            color=alt.Color(
                "percent:Q",
                title="mAP %",
                scale=alt.Scale(domain=[low, max(high, low + 1)], range=_BAND),
                legend=None,  # every cell has its number
            ),
            stroke=alt.condition("datum.is_best", alt.value(COLOURS[1]), alt.value("transparent")),
        ),
        base.mark_text(fontSize=12).encode(
            text=alt.Text("percent:Q", format=".1f"),
            color=alt.condition(
                f"datum.percent > {middle}", alt.value("#ffffff"), alt.value("#1b2530")
            ),
        ),
    ]
    return alt.LayerChart(layer=layers).properties(height=_ROW * len(models) + _AXIS)
