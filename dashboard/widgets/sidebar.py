"""The sidebar's context, the same on every page: data set, run, and the state of its index."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.services.run_choices import IndexKind, IndexState
from dashboard.widgets import linked_select
from dashboard.widgets.fact_lines import Badge
from pipeline.wording import escape_markdown, plural

_NAMED = 2  # files that cannot be read; Status names the others
_BADGES: dict[IndexKind, Badge] = {
    "ready": ("Index ready", ":material/check_circle:", "green"),
    "missing": ("No index", ":material/do_not_disturb_on:", "orange"),
    "unavailable": ("Index not responding", ":material/error:", "red"),
    "mismatch": ("Index does not match", ":material/error:", "red"),
}


def show_sidebar(*, is_run_shown: bool = True) -> None:
    """Draw the two choices; pages read them through `state`.

    Args:
        is_run_shown: whether the page is about the chosen run, so that it matters when it is gone.
    """
    _choices(is_run_shown)
    with st.sidebar:
        _say_damage(cached.library.damage())


def _choices(is_run_shown: bool) -> None:
    datasets = cached.library.datasets()
    state.set_run(None)
    place = st.empty()  # always there: else the page would be drawn again when it is empty
    with st.sidebar:
        if not datasets:
            st.caption("No data set yet.")
            return
        titles = {info.name: _dataset_label(info.title, info.name) for info in datasets}
        was_gone = linked_select.is_any_gone(state.DATASET)
        dataset = linked_select.show_select(
            "Data set", titles, key=state.DATASET, on_change=state.forget_query
        )
        is_gone = linked_select.is_any_gone(state.DATASET)
        if is_gone and not was_gone:
            state.forget_query()
        with place:
            linked_select.say_gone("data set", titles, state.DATASET)
        runs = {run.slug: run for run in cached.library.runs(dataset)}
        if not runs:
            st.caption("No finished run on this data set.")
            return
        labels = {slug: run.label for slug, run in runs.items()}
        run = runs[linked_select.show_select("Model run", labels, key=state.RUN)]
        if is_run_shown and not is_gone:
            with place:
                linked_select.say_gone("run", labels, state.RUN)
        state.set_run(run.id)
        _index_badge(cached.search.index(run.id))
        st.caption(run.facts)


def _say_damage(damage: list[str]) -> None:
    """Name the first files that cannot be read; nothing where all can."""
    if not damage:
        return
    more = [f"and {len(damage) - _NAMED:,} more"] * (len(damage) > _NAMED)
    with st.container(key="damage", gap="xxsmall"):
        label = f"{plural(len(damage), 'file')} cannot be read"
        st.page_link("share/status_page.py", label=label, icon=":material/warning:")
        for line in (*damage[:_NAMED], *more):
            st.caption(escape_markdown(line))


def _dataset_label(title: str, name: str) -> str:
    return title if title.lower() == name else f"{title} ({name})"


def _index_badge(index: IndexState) -> None:
    label, icon, color = _BADGES[index.kind]
    label = index.summary or label
    if index.kind == "ready":
        label = f"{label} · {plural(index.count, 'code')}"
    st.badge(label, icon=icon, color=color)
