"""Advisor: which method and code length suit a scenario, from what was measured here."""

import streamlit as st

from dashboard.components import advisor_view, board, notices
from dashboard.services import resources

st.title("Advisor", anchor=False)
dataset = notices.chosen_dataset()
notices.chosen_run()
comparison = board.choose(resources.boards(dataset.name))
found = resources.board(comparison)
names = {labels.name: labels.kind for labels in dataset.label_sets}
asked = advisor_view.scenario(found, is_multi=names.get(comparison.label_set) == "multi")
advice = resources.advice(comparison, found.rows, asked)
said = advisor_view.recommendation(advice, comparison)
advisor_view.ranking(advice, found, asked, comparison, said)
advisor_view.missing(found.rows, asked, comparison)
