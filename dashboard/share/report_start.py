"""An empty report: a draft from the chosen run, templates, and the pages that entries come from."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import cached, state
from dashboard.services import report_templates
from dashboard.services.report_basket import Basket, Change, started
from dashboard.share import report_draft, report_parts
from dashboard.share.report_parts import Target
from pipeline.datasets.dataset import DatasetError
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown

_OTHER, _COSINE = "draft_other", "the cosine of its features"
_SOURCES = {
    "explore": ("Search", "Compare", "Codes"),
    "evaluate": ("Leaderboard", "Curves", "Failures", "Advisor"),
}


def empty(target: Target, basket: Basket) -> None:
    """What an empty report can begin with."""
    name = f"“{escape_markdown(basket.title)}”" if basket.title else "the report"
    st.subheader(f"Nothing is in {name} yet", anchor=False)
    has_run = _draft(target)
    st.markdown(f"**{'Or start' if has_run else 'Start'} with a template**")
    with st.grid(3, min_column_width=220):
        for kind, about in report_templates.SUMMARIES.items():
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{kind}**")
                st.caption(about)
                key = f"begin_{kind.split()[0].lower()}"
                is_ready = has_run or kind == report_templates.AUDIT
                st.button(
                    "Start with this",
                    on_click=_begin,
                    args=(target, kind),
                    key=key,
                    disabled=not is_ready,
                    help=None if is_ready else "It needs a finished run on this data set.",
                )
    st.markdown("Or press *Add to report* on these pages; what you see is stored as it is now.")
    with st.container(horizontal=True, key="report_sources"):
        for section, pages in _SOURCES.items():
            for page in pages:
                st.page_link(f"{section}/{page.lower()}_page.py", label=page)


def _draft(target: Target) -> bool:
    """A draft about the run of the sidebar; nothing, and False, where there is none."""
    labels = {run.id: run.label for run in cached.library.runs(target.dataset)}
    run_id = state.run()
    if run_id not in labels:
        return False
    with st.container(border=True, key="draft"):
        st.markdown(f"**Draft from {escape_markdown(labels[run_id])}**")
        st.caption(
            "Finding, three queries with their first results (best, typical and worst by rule), "
            "one chart, conditions. You can edit, reorder and remove everything."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            reasons = cached.runs.incomparable(run_id, tuple(labels))
            others = [None, *(other for other in labels if other not in reasons)]
            other = st.selectbox(
                "Compared with",
                others,
                format_func=lambda one: _COSINE if one is None else labels[one],
                key=_OTHER,
                width=360,
            )
            st.button(
                "Draft from this run",
                icon=":material/auto_awesome:",
                type="primary",
                on_click=_fill,
                args=(target, "The draft", lambda: report_draft.draft(run_id, other)),
                key="draft_report",
            )
    return True


def _begin(target: Target, kind: str) -> None:
    """Put the entries of a template into the report."""
    _fill(
        target,
        kind,
        lambda: started(kind, cached.report.template(kind, target.dataset, state.run())),
    )


def _fill(target: Target, what: str, make: Callable[[], Change]) -> None:
    try:
        change = make()
    except (RunError, DatasetError) as error:
        st.toast(escape_markdown(f"{what} cannot be created: {error}."), icon=":material/error:")
        return
    report_parts.store(target, change)
