"""Hash methods to choose from: recommended ones first, then all others, with a search box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import state
from dashboard.services.training_plan import Choice, Trained, first_choice, search_methods
from pipeline.analysis.recommended_methods import Recommendation
from pipeline.wording import duration, escape_markdown

_CHOSEN = "train_methods"  # names; kept here, since boxes that a search hides are forgotten
_FOR = "train_methods_for"  # data set and labels that they were chosen for


def show_methods(
    groups: Mapping[str, Sequence[Choice]],
    recommended: Sequence[Recommendation],
    there: Mapping[str, Trained],
    of: tuple[str, str],
) -> list[Choice]:
    """Draw search box and cards; returns the chosen methods that can train and are not there.

    Args:
        groups: all methods.
        recommended: with reasons; chosen until somebody, or another page, chooses otherwise.
        there: those that need no training under the settings on screen.
        of: data set and labels; others begin with their own recommendation.
    """
    reasons = {one.method: one.reason for one in recommended}
    every = {one.name: one for methods in groups.values() for one in methods}
    if st.session_state.get(_FOR) != of:
        st.session_state[_FOR] = of
        st.session_state[_CHOSEN] = first_choice(groups, list(reasons), there)
    if requested := st.session_state.pop(state.TO_TRAIN, None):
        st.session_state[_CHOSEN] = set(requested)
    words = st.text_input(
        "Search methods",
        key="method_search",
        placeholder=f"Search {len(every)} methods by name, idea, venue or year",
        icon=":material/search:",
        live=True,
        label_visibility="collapsed",
    )
    found = search_methods(groups, words or "")
    shown = {one.name for methods in found.values() for one in methods}
    ordered = {
        "Recommended": [every[name] for name in reasons if name in shown],
        **{
            title: [one for one in methods if one.name not in reasons]
            for title, methods in found.items()
        },
    }
    with st.container(height=760, border=False):
        for title, methods in ordered.items():
            if methods:
                st.markdown(f"**{title}**")
            with st.container(gap="xsmall"):
                for method in methods:
                    _card(method, reasons.get(method.name, ""), there.get(method.name))
        if not shown:
            st.caption("No method has these words.")
    chosen = st.session_state[_CHOSEN]
    return [
        one
        for one in every.values()
        if one.name in chosen and not one.why_not and one.name not in there
    ]


def _card(method: Choice, reason: str, trained: Trained | None) -> None:
    key = f"method_{method.name}"
    is_free = not method.why_not and trained is None
    st.session_state[key] = is_free and method.name in st.session_state[_CHOSEN]
    with st.container(border=True, gap=None, key=f"card_{method.name}"):
        st.checkbox(
            escape_markdown(method.title),
            key=key,
            disabled=not is_free,
            on_change=_turn,
            args=(method.name,),
        )
        if trained is not None:
            _link(method, trained)
            return
        st.caption(escape_markdown(reason) or method.summary)
        linked = f"[{method.source}]({method.paper})" if method.paper else method.source
        facts = [*method.needs, linked]
        if method.typical_s is not None:
            facts.append(f"about {duration(method.typical_s)} here")
        st.caption(" · ".join([f"needs {facts[0]}", *facts[1:]] if method.needs else facts))
        if method.why_not:
            st.caption(f":orange[:material/block: {escape_markdown(method.why_not)}]")


def _link(method: Choice, trained: Trained) -> None:
    """What is there under the same settings, and the way to it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f":material/check_circle: {trained.words}",
            width="content",
            help="With these settings. Other settings, or more seeds, train it again.",
        )
        if st.button(
            "Open on Runs",
            icon=":material/list_alt:",
            type="tertiary",
            key=f"open_{method.name}",
        ):
            state.switch_page("build/runs_page.py", job=trained.run)


def _turn(name: str) -> None:
    """Keep whether a box is ticked; for callbacks."""
    others: set[str] = st.session_state[_CHOSEN] - {name}
    st.session_state[_CHOSEN] = others | ({name} if st.session_state[f"method_{name}"] else set())
