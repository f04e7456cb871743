"""Leaderboard: hash methods on one data set under one protocol, with their intervals."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import (
    ablation_parts,
    leaderboard_charts,
    leaderboard_growth,
    leaderboard_parts,
    leaderboard_quality,
    leaderboard_quantizers,
)
from dashboard.widgets import comparison_switch, notices
from pipeline.analysis.significance_findings import leading_gap
from pipeline.evaluation.rankings import RANKINGS
from pipeline.evaluation.relevance import LABELS, OF_QUERIES, RELEVANCES

st.title("Leaderboard", anchor=False)
dataset = notices.chosen_dataset()
notices.chosen_run()
comparison = comparison_switch.choose_comparison(dataset.name, RELEVANCES, RANKINGS)
found = cached.runs.board(comparison)
leaderboard_parts.protocol(comparison, found)
studies = cached.runs.studies(comparison)
with st.container(horizontal=True, horizontal_alignment="distribute", key="board_view"):
    view = leaderboard_parts.view(has_studies=bool(studies))
    chooser = st.container(
        horizontal=True, width="content", vertical_alignment="center", key="board_columns"
    )
if view == leaderboard_parts.ABLATION:
    ablation_parts.show(studies)
    st.stop()
rows = leaderboard_parts.filtered(found.rows)
if rows.empty:
    st.info("No runs match these filters. Choose more code lengths or kinds of supervision.")
    st.stop()
if view == leaderboard_parts.HEAT:
    leaderboard_charts.heat(rows, comparison)
elif view == leaderboard_parts.TRADEOFFS:
    leaderboard_charts.tradeoffs(rows, found, comparison)
    if comparison.relevance in OF_QUERIES:
        leaderboard_quantizers.show(str(rows["run"].iloc[0]), comparison)
    if comparison.relevance == LABELS:
        methods = list(found.rows["method"])
        leaderboard_growth.show(str(rows["run"].iloc[0]), comparison, methods)
else:
    leaderboard_parts.cards(rows, found)
    leaderboard_parts.finding(leading_gap(cached.library.settings(), rows))
    leaderboard_quality.show(rows, found, comparison)
    leaderboard_parts.table(rows, found, comparison, chooser)
    leaderboard_parts.curve_chart(rows, found, comparison)
    leaderboard_charts.same_kind_and_thing(rows, found, comparison)
    leaderboard_charts.published(rows, comparison)
if found.n_unmeasured:
    st.caption(f"Finished without a report: {found.n_unmeasured}. Runs says why of each.")
