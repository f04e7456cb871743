"""Hash methods to choose from, by supervision, each with what it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.services.training_plan import Choice
from pipeline.wording import duration, escape_markdown

_USUAL = "itq"


def show_methods(groups: Mapping[str, Sequence[Choice]]) -> list[Choice]:
    """Draw the cards; returns the chosen ones. Methods that cannot train here say why."""
    chosen = []
    for title, methods in groups.items():
        st.markdown(f"**{title}**")
        with st.container(gap="xsmall"):
            chosen += [method for method in methods if _card(method)]
    return chosen


def _card(method: Choice) -> bool:
    key = f"method_{method.name}"
    st.session_state.setdefault(key, method.name == _USUAL)
    if method.why_not:
        st.session_state[key] = False
    with st.container(border=True, gap=None, key=f"card_{method.name}"):
        is_chosen = st.checkbox(
            escape_markdown(method.title),
            key=key,
            disabled=bool(method.why_not),
        )
        st.caption(method.summary)
        linked = f"[{method.source}]({method.paper})" if method.paper else method.source
        facts = [*method.needs, linked]
        if method.typical_s is not None:
            facts.append(f"about {duration(method.typical_s)} here")
        st.caption(" · ".join([f"needs {facts[0]}", *facts[1:]] if method.needs else facts))
        if method.why_not:
            st.caption(f":orange[:material/block: {escape_markdown(method.why_not)}]")
    return is_chosen and not method.why_not
