"""Training curves: losses of several models on one scale, or the terms of one model's loss."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import cached
from dashboard.charts.curves import Axes, small_multiples
from dashboard.charts.training_curve import loss_terms
from dashboard.evaluate import curves_parts
from dashboard.widgets import chart_panel
from dashboard.widgets.report_button import Entry

_SHARE, _VALUE, _TERMS = "Share of the first value", "Value, logarithmic", "Terms"


def show(rows: pd.DataFrame, methods: list[str]) -> None:
    """How the losses went down.

    Args:
        rows: of a leaderboard, at least one.
        methods: all methods that may ever be shown beside these.
    """
    how = st.segmented_control(
        "Loss",
        (_SHARE, _VALUE, _TERMS),
        default=_SHARE,
        required=True,
        key="loss",
        bind="query-params",
    )
    if how == _TERMS:
        _terms(rows)
    else:
        _losses(rows, methods, is_share=how == _SHARE)


def _losses(rows: pd.DataFrame, methods: list[str], *, is_share: bool) -> None:
    table = cached.analysis.training_table(rows, is_share=is_share)
    if table.empty:
        st.info("None of these methods is trained in epochs.")
        return
    title = "Loss, share of its first value" if is_share else "Loss"
    axes = Axes("Epoch", title, is_bounded=False, is_log_y=not is_share)
    said = f"{title} by epoch of {', '.join(dict.fromkeys(table['model']))}."
    key = "curves_training" if is_share else "curves_loss"
    curves_parts.multiples(table, methods, axes, key, said)
    chart_panel.files(
        small_multiples(table, methods, axes),
        table.drop(columns=["method", "x", "low", "high", "is_point"]),
        alt=said,
        key=key,
        entry=Entry("Loss by epoch", runs=tuple(map(str, rows["run"]))),
    )
    st.caption(
        "Sum of the loss terms of the first seed. Units differ between methods, so heights compare "
        "only within one. Click a model in the legend to see it alone in that chart."
    )


def _terms(rows: pd.DataFrame) -> None:
    models = list(dict.fromkeys(rows["model"]))
    model = st.selectbox("Model", models, key="loss_model", bind="query-params")
    chosen = rows[rows["model"] == model]
    found = cached.analysis.loss_terms(chosen)
    if not found:
        st.info("This method is not trained in epochs.")
        return
    for bits, table in found.items():
        st.markdown(f"**{bits} bits**")
        chart_panel.show_chart(
            loss_terms(table),
            table,
            alt=f"Loss terms of {model} at {bits} bits by epoch.",
            key=f"loss_terms_{bits}",
            entry=Entry(
                f"Loss terms of {model}, {bits} bits",
                runs=tuple(map(str, chosen[chosen["bits"] == bits]["run"])),
            ),
        )
