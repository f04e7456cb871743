"""Leaderboard: hash methods on one data set under one protocol, with their intervals."""

import streamlit as st

from dashboard.components import ablation_view, board, board_views, notices
from dashboard.services import resources

st.title("Leaderboard", anchor=False)
dataset = notices.chosen_dataset()
notices.chosen_run()
comparison = board.choose(resources.boards(dataset.name))
found = resources.board(comparison)
board.protocol(comparison, found)
studies = resources.studies(comparison)
view = board.view(has_studies=bool(studies))
if view == board.ABLATION:
    ablation_view.show(studies)
    st.stop()
rows = board.filtered(found.rows)
if rows.empty:
    st.info("No run passes these filters. Choose more code lengths or kinds of supervision.")
    st.stop()
if view == board.HEAT:
    board_views.heat(rows, comparison)
elif view == board.TRADEOFFS:
    board_views.tradeoffs(rows, found, comparison)
else:
    board.cards(rows, found)
    board.finding(resources.finding(rows))
    board.table(rows, found, comparison)
    left, right = st.columns(2, gap="large")
    with left:
        board.map_chart(rows, found, comparison)
    with right:
        board.curve_chart(rows, found, comparison)
    board_views.published(rows, comparison)
if found.n_unmeasured:
    st.caption(f"Finished without a report, for want of labels: {found.n_unmeasured}.")
