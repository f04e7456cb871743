"""Report: findings of other pages, in order, with notes and conditions, as one shareable file."""

import streamlit as st

from dashboard import cached
from dashboard.services.report_basket import read_basket
from dashboard.share import report_parts
from dashboard.widgets import notices

st.title("Report", anchor=False)
info = notices.chosen_dataset()
stored = read_basket(cached.library.settings(), info.name)
report_parts.unreadable(stored)
basket = stored.basket
if not basket.items:
    report_parts.empty(info.name)
    st.stop()
runs = report_parts.runs_of(basket)
report_parts.heading(info.name, basket)
report_parts.files(info.name, basket, runs)
report_parts.preview(info.name, basket, runs)
report_parts.entries(info.name, basket)
report_parts.conditions(runs)
