"""Failures: the worst queries of a run, what they are confused with, and a review with verdicts."""

import streamlit as st

from dashboard import cached
from dashboard.evaluate import failures_hubs, failures_parts, failures_review, failures_robustness
from dashboard.widgets import comparison_switch, notices, ranking_offer
from pipeline.wording import escape_markdown, plural

st.title("Failures", anchor=False)
run = notices.measured(notices.chosen_run())
comparison_switch.show_switch(run.dataset.info.name)
ranking_offer.show_offer(run.id, cached.analysis.relevance_of(run.id))
view = failures_parts.view(run)
failures, ranking = failures_parts.read(run, view)
facts = f"{run.label}: {plural(len(failures.facts), 'query')}."
st.caption(escape_markdown(f"{facts} {comparison_switch.conditions(run, ranking)}"))
if view == failures_parts.CONFUSION:
    failures_parts.confused(run, failures)
elif view == failures_parts.HUBS:
    failures_hubs.show_hubs(run)
elif view == failures_parts.REVIEW:
    failures_review.show_review(run, failures)
elif view == failures_parts.ROBUSTNESS:
    failures_robustness.show_robustness(run)
else:
    table = failures_parts.ordered(run, failures, ranking)
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
