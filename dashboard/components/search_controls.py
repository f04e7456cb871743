"""The controls above the results: top-k or radius, filters, tile size, pages; all in the URL."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.services.open_run import OpenRun
from dashboard.services.search import MOST, Answer, Request

PAGE_SIZE = 100
_K = (24, 48, 100, MOST)
_TILES = {"Small": 84, "Medium": 124, "Large": 190}
_MODES = ("Nearest", "Radius")
_KINDS = {"All": "all", "Relevant": "relevant", "Not relevant": "not relevant"}
_BOUND = {"bind": "query-params"}


def show(opened: OpenRun) -> Request:
    """Draw the controls and say what they ask for."""
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        mode = st.segmented_control(
            "Find",
            _MODES,
            default=_MODES[0],
            required=True,
            key="mode",
            on_change=_first_page,
            **_BOUND,
        )
        if mode == "Radius":
            radius = st.number_input(
                "Radius (bits)",
                0,
                opened.bits,
                2,
                key="r",
                width=130,
                on_change=_first_page,
                **_BOUND,
            )
            k, radius = MOST, min(max(int(radius), 0), opened.bits)
        else:
            chosen = st.segmented_control(
                "Results",
                _K,
                default=_K[0],
                required=True,
                key="k",
                on_change=_first_page,
                **_BOUND,
            )
            k, radius = (chosen if chosen in _K else _K[0]), None
        relevance = _relevance() if opened.label_set is not None else "all"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        labels = _labels(opened)
        _tile_size()
    return Request(k=k, radius=radius, labels=labels, relevance=relevance)


def tile_px() -> int:
    """Least width of a tile."""
    return _TILES.get(st.session_state.get("size", ""), _TILES["Medium"])


def page(answer: Answer) -> slice:
    """Which results to show; draws page numbers when there are several pages."""
    n_shown = sum(len(group.results) for group in answer.groups)
    n_pages = -(-n_shown // PAGE_SIZE)
    if n_pages < 2:
        return slice(0, PAGE_SIZE)
    current = st.pagination(n_pages, key=state.PAGE, **_BOUND)
    return slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE)


def widen(radius: int) -> None:
    """Search within `radius`; for the callback of a button."""
    st.session_state["r"] = radius


def _relevance() -> str:
    chosen = st.segmented_control(
        "Show",
        list(_KINDS),
        default="All",
        required=True,
        key="show",
        on_change=_first_page,
        **_BOUND,
    )
    return _KINDS.get(chosen, "all")


def _tile_size() -> None:
    st.segmented_control(
        "Image size",
        list(_TILES),
        default="Medium",
        required=True,
        key="size",
        label_visibility="collapsed",
        **_BOUND,
    )


def _labels(opened: OpenRun) -> tuple[str, ...]:
    if opened.label_set is None:
        return ()
    known = opened.label_set.classes
    chosen = st.multiselect(
        "Only with label",
        known,
        key="label",
        placeholder="Any label",
        label_visibility="collapsed",
        on_change=_first_page,
        **_BOUND,
    )
    return tuple(name for name in chosen if name in known)


def _first_page() -> None:
    st.session_state[state.PAGE] = 1
