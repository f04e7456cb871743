"""Confusion of neighbours: wrong results by label of the query and label of the result."""

from __future__ import annotations

from functools import partial

import altair as alt
import pandas as pd

PICK = "pick"  # name of the selection that a click on a cell makes
_CELL = 26  # pixels a label
_FEW = 10  # labels that a phone has room for
_BAND = ["#eef4fa", "#08306b"]


def confusion(table: pd.DataFrame) -> alt.LayerChart:
    """Chart of wrong results by label; a click selects the fields query and result.

    Args:
        table: columns query, result, wrong (counts), share.
    """
    labels = list(dict.fromkeys(table["query"]))
    most = max(int(table["wrong"].max()), 1)
    pick = alt.selection_point(name=PICK, fields=["query", "result"])
    axis = partial(alt.Axis, labelLimit=130, labelFontSize=12, ticks=False, domain=False)
    base = alt.Chart(table).encode(
        x=alt.X(
            "result:N",
            sort=labels,
            title="Label of the wrong result",
            axis=axis(orient="top", labelAngle=-45, labelOverlap=len(labels) > _FEW),
        ),
        y=alt.Y("query:N", sort=labels, title="Label of the query", axis=axis()),
        tooltip=[
            alt.Tooltip("query:N", title="Query"),
            alt.Tooltip("result:N", title="Wrong result"),
            alt.Tooltip("wrong:Q", title="Results", format=","),
            alt.Tooltip("share:Q", title="Share of the query's wrong results", format=".0%"),
        ],
    )
    cells = base.mark_rect(cursor="pointer", stroke="transparent").encode(
        color=alt.Color("wrong:Q", scale=alt.Scale(domain=[0, most], range=_BAND), legend=None)
    )
    numbers = (
        base.transform_filter("datum.wrong > 0")
        .mark_text(fontSize=12, tooltip=False)
        .encode(
            text=alt.Text("wrong:Q", format=",d"),
            color=alt.condition(
                f"datum.wrong > {most / 2}", alt.value("#ffffff"), alt.value("#1b2530")
            ),
        )
    )
    layers = [cells.add_params(pick), numbers]
    return alt.LayerChart(layer=layers).properties(height=_CELL * len(labels) + 150)
