"""A select box whose choice is in the address bar under a short, stable name.

Streamlit's own binding writes the text that is shown, which changes with titles and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st


def show(
    label: str, options: Mapping[str, str], *, key: str, on_change: Callable[[], None] | None = None
) -> str:
    """Draw the box and return the name that is chosen.

    Args:
        label: of the box.
        options: name in the address bar -> text in the box; at least one.
        key: of the box and of the parameter.
        on_change: called when the user chooses.
    """
    in_address_bar, seen = st.query_params.get(key), f"{key}_in_address_bar"
    is_new = in_address_bar != st.session_state.get(seen)  # a link, or the browser's Back
    if in_address_bar in options and (is_new or key not in st.session_state):  # page was switched
        st.session_state[key] = in_address_bar
    if st.session_state.get(key) not in options:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        label, list(options), format_func=options.__getitem__, key=key, on_change=on_change
    )
    if in_address_bar != chosen:
        st.query_params[key] = chosen
    st.session_state[seen] = chosen
    return chosen
