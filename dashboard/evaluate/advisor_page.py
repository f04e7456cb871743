"""Advisor: which method and code length suit a scenario, from what was measured here."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import advisor_parts, leaderboard_parts
from dashboard.widgets import comparison_switch, notices

st.title("Advisor", anchor=False)
dataset = notices.chosen_dataset()
notices.chosen_run()
by_kind = comparison_switch.choose_comparison(dataset.name)
comparison = advisor_parts.purpose(by_kind)
found = cached.runs.board(comparison)
advisor_parts.unmeasured(cached.runs.board(by_kind), comparison)
leaderboard_parts.protocol(comparison, found)
kinds = {labels.name: labels.kind for labels in dataset.label_sets}
asked = advisor_parts.scenario(found, kinds.get(comparison.labels))
advice = cached.analysis.advice(comparison, found, asked)
said = advisor_parts.recommendation(advice, comparison)
advisor_parts.ranking(advice, found, asked, comparison, said)
advisor_parts.missing(found.rows, asked, comparison)
