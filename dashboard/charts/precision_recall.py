"""Precision against recall by rank: mean over queries of the first N, N on a logarithmic grid."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import styles

_PLOT, _LEGEND_ROW = 240, 22  # pixels of height
_LONG = 20  # letters of a name from which two columns are wider than a telephone


def precision_recall(curves: pd.DataFrame, methods: list[str]) -> alt.Chart:
    """Chart of precision against recall by rank.

    Args:
        curves: columns model, method, rank, recall, precision (shares in [0, 1]).
        methods: all methods that may ever be shown beside these, so that colours stay.
    """
    models = list(dict.fromkeys(curves["model"]))
    method_of = dict(zip(curves["model"], curves["method"], strict=True))
    look = styles([*methods, *method_of.values()])
    used = [look[method_of[model]] for model in models]
    columns = 1 if max(map(len, models)) > _LONG else 2
    legend = alt.Legend(
        title=None,
        orient="top",
        columns=columns,
        labelLimit=320,
        symbolType="stroke",
        symbolSize=500,
        symbolStrokeWidth=2.5,
    )
    unit = alt.Scale(domain=[0, 1], nice=False)
    return (
        alt.Chart(curves)
        .mark_line(strokeWidth=2.5, clip=True)
        .encode(
            x=alt.X("recall:Q", title="Recall", scale=unit, axis=alt.Axis(format=".0%")),
            y=alt.Y("precision:Q", title="Precision", scale=unit, axis=alt.Axis(format=".0%")),
            order="rank:Q",
            color=alt.Color(
                "model:N",
                sort=models,
                scale=alt.Scale(domain=models, range=[one.colour for one in used]),
                legend=legend,
            ),
            strokeDash=alt.StrokeDash(
                "model:N",
                sort=models,
                scale=alt.Scale(domain=models, range=[one.dash for one in used]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("rank:Q", title="First N", format=","),
                alt.Tooltip("recall:Q", title="Recall", format=".1%"),
                alt.Tooltip("precision:Q", title="Precision", format=".1%"),
            ],
        )
        .properties(
            height=_PLOT + _LEGEND_ROW * -(-len(models) // columns),
            padding={"left": 5, "top": 5, "right": 24, "bottom": 5},
        )
    )
