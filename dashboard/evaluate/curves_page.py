"""Curves: precision and recall along ranks and radii, by code length, with bands."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import curves_parts, curves_training, leaderboard_parts
from dashboard.widgets import comparison_switch, notices, ranking_offer
from pipeline.analysis.curves import KINDS
from pipeline.evaluation.rankings import RANKINGS
from pipeline.evaluation.relevance import RELEVANCES

st.title("Curves", anchor=False)
dataset = notices.chosen_dataset()
run = notices.chosen_run()
comparison = comparison_switch.choose_comparison(dataset.name, RELEVANCES, RANKINGS)
found = cached.runs.board(comparison)
leaderboard_parts.protocol(comparison, found)
title = curves_parts.kind()
rows = curves_parts.chosen(found.rows)
if rows.empty:
    st.info("Choose at least one model and one code length.")
    st.stop()
methods = list(found.rows["method"])
if title == curves_parts.TRAINING:
    curves_training.show(rows, methods)
    st.stop()
ranking_offer.show_offer(run, comparison.relevance)
if not curves_parts.has_curve(KINDS[title], comparison):
    st.stop()
over = curves_parts.bands(rows)
measured = cached.analysis.row_curves(rows)
if not measured:
    st.warning(
        "What these runs found cannot be read: their codes, or the neighbours that they are "
        "measured by. Failures says which; evaluate them again, or train them again."
    )
    st.stop()
runs = tuple(rows["run"])
picked = curves_parts.draw(measured, KINDS[title], over, methods, comparison, runs)
if picked:
    curves_parts.behind(picked[0], rows, KINDS[title])
