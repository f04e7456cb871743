"""Leaderboard: hash methods on one data set under one protocol, with their intervals."""

import streamlit as st

from dashboard import state
from dashboard.components import ablation_view, board, notices
from dashboard.services import resources

st.title("Leaderboard", anchor=False)
notices.chosen_run()
comparison = board.choose(resources.boards(state.dataset()))
found = resources.board(comparison)
board.protocol(comparison, found)
studies = resources.studies(comparison)
if board.view(has_studies=bool(studies)) == board.ABLATION:
    ablation_view.show(studies)
    st.stop()
rows = board.filtered(found.rows)
if rows.empty:
    st.info("No run passes these filters. Choose more code lengths.")
    st.stop()
board.finding(resources.finding(rows))
board.table(rows, found.cosine)
left, right = st.columns(2, gap="large")
with left:
    board.map_chart(rows, found)
with right:
    board.curve_chart(rows, found)
if found.n_unmeasured:
    st.caption(f"Finished without a report, for want of labels: {found.n_unmeasured}.")
