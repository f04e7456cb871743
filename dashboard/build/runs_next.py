"""Where a finished run leads: searching with it, the best run beside it, its index, the report."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached, state
from dashboard.services.run_choices import rival_of
from dashboard.services.run_rows import RunDetail
from dashboard.widgets import index_panel, report_button
from dashboard.widgets.report_button import Entry
from pipeline.runs.registry import RunRegistry
from pipeline.wording import percent


def show_ways_on(detail: RunDetail) -> str:
    """The buttons; returns why some are disabled, in sentences."""
    job, settings = detail.job, cached.library.settings()
    rival = rival_of(RunRegistry(settings).open(job.id), cached.library.runs(job.dataset), settings)
    target = {state.DATASET: job.dataset, state.RUN: rival.own}
    is_searched = st.button(
        "Search with it",
        icon=":material/image_search:",
        type="primary",
        disabled=not rival.own,
        help="" if rival.own else rival.reason,
        key="run_search",
    )
    is_compared = st.button(
        "Compare with best",
        icon=":material/compare_arrows:",
        disabled=not rival.best,
        help=rival.reason or "The best by mAP of the runs that were measured alike.",
        key="run_compare",
    )
    if access.may("operator"):
        st.button(
            "Publish",
            icon=":material/publish:",
            disabled=detail.is_published,
            help="It is published; the tab Index has the rest." if detail.is_published else "",
            on_click=index_panel.ask,
            args=(job.id, "publish"),
            key="run_publish",
        )
    reasons = [rival.reason, _report(detail)]
    if is_searched:
        state.switch_page("explore/search_page.py", **target)
    if is_compared:
        first, second = state.COMPARED
        sides = {first: rival.own, second: rival.best}
        state.switch_page("explore/compare_page.py", **{state.DATASET: job.dataset}, **sides)
    return " ".join(dict.fromkeys(filter(None, reasons)))


def _report(detail: RunDetail) -> str:
    """The button, or why it is disabled: a report belongs to the data set of the sidebar."""
    job = detail.job
    if not access.may("reviewer"):
        return ""
    reason = ""
    if job.map is None:
        reason = "Nothing was measured that could be reported."
    elif job.dataset != state.dataset():
        reason = f"Choose {job.dataset} in the sidebar to add the run to its report."
    if reason:
        icon = ":material/playlist_add:"
        st.button("Add to report", icon=icon, disabled=True, help=reason, key="no_report")
        return reason
    low, high = detail.interval
    finding = (
        f"{job.label}, seed {job.seed}: mAP {percent(job.map)} % "
        f"(95 % interval {percent(low)} to {percent(high)})."
    )
    report_button.show_report_button(
        Entry(f"Run {job.label}", finding=finding, runs=(job.id,)), detail.measures, key="run"
    )
    return ""
