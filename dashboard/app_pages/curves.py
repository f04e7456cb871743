"""Curves: precision and recall along ranks and radii, by code length, with bands."""

import streamlit as st

from dashboard.components import board, curve_view, notices, training_view
from dashboard.services import resources
from dashboard.services.curves import KINDS

st.title("Curves", anchor=False)
dataset = notices.chosen_dataset()
notices.chosen_run()
comparison = board.choose(resources.boards(dataset.name))
found = resources.board(comparison)
board.protocol(comparison, found)
title = curve_view.kind()
rows = curve_view.chosen(found.rows)
if rows.empty:
    st.info("Choose at least one model and one code length.")
    st.stop()
methods = list(found.rows["method"])
if title == curve_view.TRAINING:
    training_view.show(rows, methods)
    st.stop()
over = curve_view.bands(rows)
measured = resources.row_curves(rows)
if not measured:
    st.warning("The codes of these runs cannot be read; train them again.")
    st.stop()
runs = tuple(rows["run"])
picked = curve_view.draw(measured, KINDS[title], over, methods, comparison, runs)
if picked:
    curve_view.behind(picked[0], rows, KINDS[title])
