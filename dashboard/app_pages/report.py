"""Report: what was gathered on other pages, in order, with notes and conditions, as files."""

import streamlit as st

from dashboard.components import notices, report_view
from dashboard.services import resources

st.title("Report", anchor=False)
info = notices.chosen_dataset()
stored = resources.basket(info.name)
report_view.unreadable(stored)
basket = stored.basket
if not basket.items:
    report_view.empty(info.name)
    st.stop()
runs = report_view.runs_of(basket)
report_view.heading(info.name, basket)
report_view.files(info.name, basket, runs)
report_view.preview(info.name, basket, runs)
report_view.entries(info.name, basket)
report_view.conditions(runs)
