"""The leaderboard's ablation view: which part of a method earns its place."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts.ablation import ablation
from dashboard.widgets import chart_panel
from pipeline.analysis.ablation_studies import Study
from pipeline.wording import escape_markdown


def show(found: list[Study]) -> None:
    """One study with its finding, chart and table; a choice when there are several."""
    by_label = {study.label: study for study in found}
    label = next(iter(by_label))
    if len(by_label) > 1:
        label = st.selectbox("Study", list(by_label), key="study", bind="query-params")
    study = by_label.get(label, found[0])
    st.markdown(escape_markdown(study.finding))
    chart_panel.show_chart(
        ablation(study.rows),
        _readable(study),
        alt=f"Change of mAP when parts of {study.label} are changed. {study.finding}",
        key="ablation",
    )
    seeds = sorted({int(n) for n in study.rows["seeds"]})
    st.caption(
        f"Against {study.label} in full, mAP {100 * study.full:.1f} %, on the same queries; seeds: "
        f"{' or '.join(map(str, seeds))}. Bars: 95 % paired bootstrap over queries."
    )


def _readable(study: Study) -> pd.DataFrame:
    """The table in the words and units of the page; shares are in percent."""
    rows = study.rows
    return pd.DataFrame(
        {
            "Variant": rows["variant"],
            "Seeds": rows["seeds"],
            "mAP": (100 * rows["map"]).round(1),
            "Change": (100 * rows["difference"]).round(1),
            "From": (100 * rows["difference_low"]).round(1),
            "To": (100 * rows["difference_high"]).round(1),
            "NDCG@100": (100 * rows["ndcg_at_100"]).round(1),
            "ACG@100": rows["acg_at_100"].round(3),
            "Training": rows["training_s"].round(1),
            "Verdict": rows["verdict"],
        }
    )
