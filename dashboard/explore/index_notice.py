"""Why results come from the code file instead of the index, and a button that mends it."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from dashboard import access, cached
from dashboard.services.run_choices import IndexState
from dashboard.widgets import index_panel, notices
from dashboard.widgets.fragments import isolated_fragment
from dashboard.widgets.no_worker import show_no_worker
from pipeline.wording import COMMAND, duration, escape_markdown
from pipeline.worker import is_alive

_WORKS = "Results below are exact, from the run's own code file."


def show_index_notice(index: IndexState, run_id: str) -> None:
    """Why results come from the code file, with a remedy; nothing when the index answers."""
    if index.kind == "ready":
        return
    if index.kind == "mismatch":
        notices.problem(
            "The index was built with different weights, or by an older version.",
            reason=index.reason,
            works=_WORKS,
            todo="Publish the run again.",
            key="index_mismatch",
        )
    words = {
        "missing": "Not published yet: searching",
        "unavailable": f"{index.summary}: searching",
    }
    with st.container(horizontal=True, vertical_alignment="center", key="no_index"):
        label = f"{words.get(index.kind, 'Searching')} the code file."
        st.badge(label, icon=":material/description:", color="orange")
        if index.kind == "unavailable":
            st.button("Retry", icon=":material/refresh:", on_click=cached.search.retry)
            with st.popover("Details", type="tertiary"):
                st.markdown(escape_markdown(index.reason))
                st.markdown(f"Last successful index search: {_last_success()}. {_WORKS}")
        else:
            _publish(index, run_id)


def _last_success() -> str:
    since = cached.search.since_last_success()
    return "not since this server started" if since is None else f"{duration(since)} ago"


def _publish(index: IndexState, run_id: str) -> None:
    view = index_panel.view(run_id)
    if view.waiting:
        _follow(run_id)
        return
    if index.kind == "missing" and view.record is not None:
        _again()  # published a moment ago
    if access.may("operator"):
        st.button(
            "Publish",
            icon=":material/publish:",
            on_click=index_panel.ask,
            args=(run_id, "publish"),
            help=f"Same as: {COMMAND} index publish {run_id} --force",
        )
    if view.result and not view.result.is_done:
        st.caption(escape_markdown(f"Last request: {view.result.action}. {view.result.message}"))


@isolated_fragment(run_every=1.0)
def _follow(run_id: str) -> None:
    """Wait for the worker; the page is drawn again once the index is there."""
    if index_panel.view(run_id).waiting:
        st.caption("Waiting for the worker to publish; until then, searches use the code file.")
        if not is_alive(cached.library.settings()):
            show_no_worker("Publishing is waiting for a worker")
    else:
        _again()


def _again() -> NoReturn:
    cached.search.retry()
    st.rerun()
