"""The published indexes of a data set, to search another one with the same query."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.services import run_choices
from pipeline.wording import plural

_KEY = "index_choice"


def show_index_choice(dataset: str) -> None:
    """A button that opens the list; nothing where there is only one index."""
    published = {
        choice.slug: (choice, record)
        for choice, record in run_choices.published(
            cached.library.runs(dataset), cached.library.settings()
        )
    }
    if len(published) < 2:
        return
    current = st.session_state.get(state.RUN)
    with st.popover(f"{len(published)} indexes", icon=":material/database:"):
        st.radio(
            "Search the index of",
            list(published),
            index=list(published).index(current) if current in published else None,
            format_func=lambda slug: published[slug][0].label,
            captions=[
                f"{plural(record.count, 'code')} · {record.created[:16].replace('T', ' ')}"
                for _, record in published.values()
            ],
            key=_KEY,
            on_change=_choose,
        )


def _choose() -> None:
    state.choose_run(st.session_state[_KEY])
