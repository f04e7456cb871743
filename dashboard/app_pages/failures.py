"""Failures: the worst queries of a run, what they are confused with, and a review with verdicts."""

import streamlit as st

from dashboard.components import failure_view, notices, review_view, robustness_view
from dashboard.services import resources
from dashboard.services.text import escape_markdown, plural

st.title("Failures", anchor=False)
run = notices.measured(notices.chosen_run())
found = resources.failures(run.id)
facts = f"{run.label}: {plural(len(found.facts), 'query')}, relevant by {run.label_set.name}."
st.caption(f"{escape_markdown(facts)} The run is chosen in the sidebar.")
view = failure_view.view()
if view == failure_view.CONFUSION:
    failure_view.confused(found)
elif view == failure_view.REVIEW:
    review_view.show(run, found)
elif view == failure_view.ROBUSTNESS:
    robustness_view.show(run)
else:
    table = failure_view.ordered(run, found)
    if table.empty:
        st.info("No query fails in this way.")
        st.stop()
    st.markdown(f"**{plural(len(table), 'query')}**, worst first")
    left, right = st.columns([3, 2], gap="large")
    with left:
        place = failure_view.worst_queries(run, found, table)
    with right:
        failure_view.detail(run, found, place)
notices.licence(run.dataset.info)
