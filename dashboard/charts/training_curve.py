"""Training as it goes: one line a loss term, and the mAP of the validation images."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import COLOURS, DASHES

_HEIGHT = 240


def loss_terms(history: pd.DataFrame) -> alt.Chart:
    """The loss terms.

    Args:
        history: columns epoch, term, value.
    """
    terms = list(dict.fromkeys(history["term"]))
    colours = alt.Scale(domain=terms, range=[COLOURS[i % len(COLOURS)] for i in range(len(terms))])
    dashes = alt.Scale(domain=terms, range=[DASHES[i % len(DASHES)] for i in range(len(terms))])
    legend = alt.Legend(title=None, orient="top", columns=2, symbolType="stroke", symbolSize=400)
    return (
        alt.Chart(history)
        .mark_line(strokeWidth=2, point=len(history) < 3 * len(terms))
        .encode(
            x=_epochs(),
            y=alt.Y("value:Q", title="Loss", scale=alt.Scale(zero=False)),
            color=alt.Color("term:N", sort=terms, scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("term:N", sort=terms, scale=dashes, legend=legend),
            tooltip=[
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("term:N", title="Term"),
                alt.Tooltip("value:Q", title="Loss", format=".4g"),
            ],
        )
        .properties(height=_HEIGHT)
    )


def validation_map(validation: pd.DataFrame) -> alt.Chart:
    """The mAP of validation images.

    Args:
        validation: columns epoch, map (percent).
    """
    return (
        alt.Chart(validation)
        .mark_line(strokeWidth=2.5, color=COLOURS[0], point=len(validation) < 40)
        .encode(
            x=_epochs(),
            y=alt.Y("map:Q", title="Validation mAP (%)", scale=alt.Scale(zero=False)),
            tooltip=[
                alt.Tooltip("epoch:Q", title="Epoch"),
                alt.Tooltip("map:Q", title="mAP %", format=".1f"),
            ],
        )
        .properties(height=_HEIGHT)
    )


def _epochs() -> alt.X:
    return alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d"))
