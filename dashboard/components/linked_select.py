"""A select box whose choice is in the address bar under a short, stable name.

Streamlit's own binding writes the text that is shown, which changes with titles and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dashboard import state


def show(
    label: str,
    options: Mapping[str, str],
    *,
    key: str,
    default: str | None = None,
    on_change: Callable[[], None] | None = None,
) -> str:
    """Draw the box and return the name that is chosen.

    Args:
        label: of the box.
        options: name in the address bar -> text in the box; at least one.
        key: of the box and of the parameter.
        default: one of the names; None: the first.
        on_change: called when the user chooses.
    """
    asked = state.asked(key, st.session_state.get(key))
    if asked in options:
        st.session_state[key] = asked
    elif st.session_state.get(key) not in options:
        st.session_state[key] = default or next(iter(options))
    chosen = st.selectbox(
        label, list(options), format_func=options.__getitem__, key=key, on_change=on_change
    )
    state.show(key, chosen)
    return chosen
