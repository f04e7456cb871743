"""Failures: the worst queries of a run, what they are confused with, and a review with verdicts."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import failures_parts, failures_review, failures_robustness
from dashboard.widgets import notices
from pipeline.wording import escape_markdown, plural

st.title("Failures", anchor=False)
run = notices.measured(notices.chosen_run())
found = cached.analysis.failures(run.id)
facts = f"{run.label}: {plural(len(found.facts), 'query')}, relevance by {run.label_set.name}."
st.caption(f"{escape_markdown(facts)} Choose the run in the sidebar.")
view = failures_parts.view()
if view == failures_parts.CONFUSION:
    failures_parts.confused(found)
elif view == failures_parts.REVIEW:
    failures_review.show(run, found)
elif view == failures_parts.ROBUSTNESS:
    failures_robustness.show(run)
else:
    table = failures_parts.ordered(run, found)
    if table.empty:
        st.info("No query fails this way.")
        st.stop()
    st.markdown(f"**{plural(len(table), 'query')}**, worst first")
    left, right = st.columns([3, 2], gap="large")
    with left:
        place = failures_parts.worst_queries(run, found, table)
    with right:
        failures_parts.detail(run, found, place)
notices.licence(run.dataset.info)
