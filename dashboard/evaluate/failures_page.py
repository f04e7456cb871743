"""Failures: the worst queries of a run, what they are confused with, and a review with verdicts."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import failures_hubs, failures_parts, failures_review, failures_robustness
from dashboard.widgets import comparison_switch, notices
from pipeline.wording import escape_markdown, plural

st.title("Failures", anchor=False)
run = notices.measured(notices.chosen_run())
failures = cached.analysis.failures(run.id)
comparison_switch.show_switch(run.dataset.info.name)
facts = f"{run.label}: {plural(len(failures.facts), 'query')}."
st.caption(escape_markdown(f"{facts} {comparison_switch.conditions(run)}"))
view = failures_parts.view(run)
if view == failures_parts.CONFUSION:
    failures_parts.confused(run, failures)
elif view == failures_parts.HUBS:
    failures_hubs.show_hubs(run)
elif view == failures_parts.REVIEW:
    failures_review.show_review(run, failures)
elif view == failures_parts.ROBUSTNESS:
    failures_robustness.show_robustness(run)
else:
    table = failures_parts.ordered(run, failures)
    if table.empty:
        st.info("No query fails this way.")
        st.stop()
    st.markdown(f"**{plural(len(table), 'query')}**, worst first")
    left, right = st.columns([3, 2], gap="large")
    with left:
        place = failures_parts.worst_queries(run, failures, table)
    with right:
        failures_parts.detail(run, failures, place)
notices.licence(run.dataset.info)
