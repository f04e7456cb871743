"""A select box whose choice is in the address bar under a short, stable name.

Streamlit's own binding writes the text that is shown, which changes with titles and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import streamlit as st

from dashboard import state
from pipeline.wording import escape_markdown

_GONE = "gone"  # key -> what a link asked for in vain, and what was chosen instead


def show_select(
    label: str,
    options: Mapping[str, str],
    *,
    key: str,
    default: str | None = None,
    on_change: Callable[[], None] | None = None,
    hidden: Collection[str] = (),
) -> str:
    """Draw the box and return the name that is chosen.

    Args:
        label: of the box.
        options: name in the address bar -> text in the box; at least one.
        key: of the box and of the parameter.
        default: one of the names; None: the first.
        on_change: called when the user chooses.
        hidden: names that are not offered here, though they are not gone.
    """
    gone = st.session_state.setdefault(_GONE, {})
    requested = state.from_address(key, st.session_state.get(key))
    if key not in st.query_params:
        gone.pop(key, None)  # a page was opened otherwise than by a link
    if requested in options:
        st.session_state[key] = requested
    elif st.session_state.get(key) not in options:
        st.session_state[key] = default or next(iter(options))
    chosen = st.selectbox(
        label, list(options), format_func=options.__getitem__, key=key, on_change=on_change
    )
    if requested and requested not in {*options, *hidden}:
        gone[key] = requested, chosen
    elif gone.get(key, ("", chosen))[1] != chosen:
        del gone[key]
    state.write_address(key, chosen)
    return chosen


def is_any_gone(*keys: str) -> bool:
    """Whether a link has asked a box for what is not there, and its replacement is still chosen."""
    return any(key in st.session_state.get(_GONE, {}) for key in keys)


def say_gone(noun: str, options: Mapping[str, str], *keys: str) -> None:
    """One sentence on what a link asked for in vain, and what is shown instead; else nothing.

    Args:
        noun: what the boxes choose.
        options: as in `show_select`.
        keys: of the boxes.
    """
    gone = [st.session_state[_GONE][key] for key in keys if is_any_gone(key)]
    if not gone:
        return
    names = " and ".join(escape_markdown(name) for name, _ in gone)
    shown = " and ".join(escape_markdown(options[chosen]) for _, chosen in gone)
    is_one = len(gone) == 1
    what = f"a {noun} that no longer exists" if is_one else f"{noun}s that no longer exist"
    verb = "is" if is_one else "are"
    st.info(f"This link refers to {what} ({names}); {shown} {verb} shown instead.")
