"""Report: findings of other pages with pictures, in order, and conditions, as one file."""

import streamlit as st

from dashboard import cached
from dashboard.services.report_store import read_basket
from dashboard.share import report_parts, report_start, report_switch, search_file
from dashboard.widgets import notices

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Report", anchor=False, width="content")
    actions = st.container(horizontal=True, width="content", gap="small")
info = notices.chosen_dataset()
report = report_switch.choose_report(info.name)
stored = read_basket(cached.library.settings(), info.name, report)
with actions:
    report_switch.actions(info.name, report)
    search_file.offer(info.name, stored.basket)
report_parts.unreadable(stored)
basket, target = stored.basket, report_parts.Target(info.name, report)
if not basket.items:
    report_start.empty(target, basket)
    st.stop()
runs = report_parts.runs_of(basket)
report_parts.heading(target, basket)
report_parts.files(target, basket, runs)
report_parts.preview(target, basket, runs)
report_parts.entries(target, basket)
report_parts.conditions(target, basket, runs)
