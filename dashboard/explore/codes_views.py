"""The views of the Codes page, and what they were called in links of earlier versions."""

from __future__ import annotations

import streamlit as st

from dashboard import state

QUERY, BIT, ALL = "One query", "One bit", "All codes"
_KEY, _ALL_VIEW = "view", "codes_view"
_OLD = {  # of the page that was called Bits, and where each of its views is now
    "What if": QUERY,
    "Robustness": QUERY,
    "Bit cards": BIT,
    "Other run": BIT,
    "Code map": ALL,
}
_OLD_PARTS = {
    "Robustness": {"query_view": "Change the image"},
    "Other run": {"bit_view": "Beside another run"},
    "Code map": {"codes_view": "Code map"},
}


def view() -> str:
    """What to look at; a link of the time when this page had all codes alone shows those."""
    if _ALL_VIEW in st.query_params and _KEY not in st.query_params:
        st.session_state.setdefault(_KEY, ALL)
    return st.segmented_control(
        "View",
        (QUERY, BIT, ALL),
        default=QUERY,
        required=True,
        key=_KEY,
        bind="query-params",
        label_visibility="collapsed",
    )


def follow_old_link() -> None:
    """Go on from the page that was called Bits to the same view of Codes."""
    parameters = st.query_params.to_dict()
    old = parameters.get(_KEY, "What if")
    linked = {**parameters, _KEY: _OLD.get(old, QUERY), **_OLD_PARTS.get(old, {})}
    for name in ("flip", "mute"):
        if bits := st.query_params.get_all(name):
            st.session_state[name] = [int(bit) for bit in bits if bit.isdecimal()]
    state.switch_page("explore/codes_page.py", **linked)
