"""Status: what runs, what is stored, under which licences, and what to do about problems."""

import streamlit as st

from dashboard import cached
from dashboard.widgets import fact_lines, notices

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Status", anchor=False, width="content")
    st.button("Look again", icon=":material/refresh:", on_click=cached.runs.forget_status)
overview = cached.runs.overview()
with st.container(border=True):
    for line in overview.lines:
        fact_lines.line(line)
st.subheader("Published indexes", anchor=False)
fact_lines.indexes(overview.indexes)
st.subheader("Data sets and licences", anchor=False)
if overview.datasets:
    fact_lines.datasets(overview.datasets)
else:
    notices.empty_library()
disk, limits, versions = st.columns([1, 1.7, 1], gap="large")
with disk:
    st.subheader("Disk use", anchor=False)
    fact_lines.disk(overview.disk)
with limits:
    st.subheader("Limits in force", anchor=False)
    fact_lines.facts(overview.limits)
with versions:
    st.subheader("Versions", anchor=False)
    fact_lines.facts(overview.versions)
