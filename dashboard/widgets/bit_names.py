"""Names that people give to bits: a field to give one, and a line where named bits differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard import access
from pipeline.analysis.opened_run import OpenRun
from pipeline.annotations.bit_names import LONGEST, BitNames
from pipeline.wording import escape_markdown

_PROBLEM = "bit_name_problem"


def field(opened: OpenRun, bit: int) -> None:
    """Give a bit (from 1) a name, or take it away."""
    key = f"bit_name:{opened.id}:{bit}"
    st.text_input(
        f"Name of bit {bit}",
        value=BitNames.of(opened.run).all().get(bit, ""),
        max_chars=LONGEST,
        key=key,
        placeholder="e.g. outdoor / indoor",
        help="Shown beside the bit wherever codes are compared. Stored with the run, for everyone.",
        on_change=_keep,
        args=(opened, bit, key),
        width=320,
    )
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(escape_markdown(problem), title="The name was not stored")


def differing(opened: OpenRun, differs: str) -> None:
    """A line with the named bits among those that differ; nothing when there are none.

    Args:
        opened: the run.
        differs: text with 1 for every bit (K) that differs.
    """
    names = BitNames.of(opened.run).all()
    if named := [bit for bit in names if differs[bit - 1] == "1"]:
        st.caption(f"Named bits that differ: {_listed(named, names)}.")


def least_sure_first(opened: OpenRun, bits: Sequence[int]) -> None:
    """A line with all bits (from 1) that differ, with their names, in the order given."""
    names = BitNames.of(opened.run).all()
    st.caption(f"Differing bits, least sure first: {_listed(bits, names)}.")


def _listed(bits: Sequence[int], names: Mapping[int, str]) -> str:
    return ", ".join(
        f"{bit} ({escape_markdown(names[bit])})" if bit in names else str(bit) for bit in bits
    )


def _keep(opened: OpenRun, bit: int, key: str) -> None:
    access.require("reviewer")
    try:
        BitNames.of(opened.run).set(bit, st.session_state[key])
    except (OSError, ValueError) as error:
        st.session_state[_PROBLEM] = str(error)
