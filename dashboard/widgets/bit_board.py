"""A code as a strip of buttons, a bit each, for mouse, finger and keyboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import streamlit as st

Action = Literal["flip", "mute", "choose"]
_HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "hashlens_bit_board",
    html="<div class='actions' role='group' aria-label='A click on a bit'></div>"
    "<div class='board' role='group'></div>",
    css=(_HERE / "bit_board.css").read_text("utf-8"),
    js=(_HERE / "bit_board.js").read_text("utf-8"),
)


class Changes(NamedTuple):
    """What was done to the bits of a board, from 1.

    Attributes:
        flipped: bits turned over.
        muted: bits left out.
        chosen: the one bit that is looked at; None for none.
    """

    flipped: list[int]
    muted: list[int]
    chosen: int | None


def show_bit_board(
    bits: str,
    *,
    key: str,
    label: str,
    actions: Sequence[Action],
    flipped: Sequence[int] = (),
    muted: Sequence[int] = (),
    chosen: int | None = None,
    names: Mapping[int, str] | None = None,
    on_change: Callable[[], None],
) -> None:
    """Draw the board; `changes` tells inside `on_change` what was done.

    Args:
        bits: text of 0 and 1, before any change.
        key: of the element.
        label: name of the whole for screen readers.
        actions: what a click may do to a bit; of several the reader chooses one.
        flipped: bits (from 1) that are turned over.
        muted: bits that are left out.
        chosen: the bit that is looked at.
        names: that people gave to bits.
        on_change: called before the page is drawn again.
    """
    _draw(
        key=key,
        data={
            "bits": bits,
            "actions": list(actions),
            "flipped": list(flipped),
            "muted": list(muted),
            "chosen": chosen,
            "names": {str(bit): name for bit, name in (names or {}).items()},
            "label": label,
            "clicks": st.session_state.get(_clicks(key), 0),  # those that the server knows of
        },
        on_changed_change=on_change,
    )


def changes(key: str) -> Changes | None:
    """What was done on the board `key`, inside its callback."""
    told: Any = getattr(st.session_state.get(key), "changed", None)
    if told is None:
        return None
    st.session_state[_clicks(key)] = int(told["clicks"])
    return Changes(list(told["flipped"]), list(told["muted"]), told["chosen"])


def _clicks(key: str) -> str:
    return f"{key}_clicks"
