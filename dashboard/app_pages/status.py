"""Status: what runs, what is stored, under which licences, and what to do about problems."""

import streamlit as st

from dashboard.components import status_lines
from dashboard.services import resources

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Status", anchor=False, width="content")
    st.button("Refresh", icon=":material/refresh:", on_click=resources.forget_status)
found = resources.overview()
with st.container(border=True):
    for line in found.lines:
        status_lines.line(line)
st.subheader("Published indexes", anchor=False)
status_lines.indexes(found.indexes)
st.subheader("Data sets and licences", anchor=False)
status_lines.datasets(found.datasets)
disk, limits, versions = st.columns([1, 1.7, 1], gap="large")
with disk:
    st.subheader("Disk use", anchor=False)
    status_lines.disk(found.disk)
with limits:
    st.subheader("Limits in force", anchor=False)
    status_lines.facts(found.limits)
with versions:
    st.subheader("Versions", anchor=False)
    status_lines.facts(found.versions)
