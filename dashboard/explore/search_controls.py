"""The controls above the results: mode, kind, order, tile size, pages; all in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

import streamlit as st

from dashboard import state
from dashboard.explore import search_filters
from dashboard.services.search import MAX_RESULTS, Answer, QueryImage, Request
from pipeline.analysis.opened_run import OpenRun
from pipeline.evaluation.rankings import SHORTLIST

_T = TypeVar("_T")
PAGE_SIZE = 100
WITHIN, RESCORED = "Distance, then similarity", "Similarity"
RELAXED, CODES = "Relaxed query", "Codes only"
_LIMITS = (24, 48, 100, MAX_RESULTS)
_TILES = {"Small": 84, "Medium": 124, "Large": 190}
_MODES = ("Nearest", "Radius")
_ORDERS = (
    f"*{WITHIN}*: Hamming distance of the codes; equally near images by the cosine of the "
    f"backbone's features. *{RESCORED}*: the {SHORTLIST} nearest, all by that cosine. *{RELAXED}*: "
    "these by the query's values before rounding against the stored bits. "
    f"*{CODES}*: distance alone; equally near images are sorted by id."
)
_OLD_ORDERS = {"Distance": CODES, "Features": RESCORED}  # in links of earlier versions
_URL: Final = "query-params"


def show_controls(opened: OpenRun, query: QueryImage) -> Request:
    """Draw one row: how many, in which order, filters with a count of those set, image size."""
    reason = search_filters.no_relevance(opened, query)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        how_many, sorting = st.container(width="content"), st.container(width=230)
        n_set = search_filters.n_set(opened, reason)
        label = f"Filters · {n_set}" if n_set else "Filters"
        with st.popover(label, icon=":material/filter_alt:", key="filters"):
            mode = _choice("Find", _MODES, "mode")
            max_distance = _max_distance(opened.bits) if mode == _MODES[1] else None
            kind = search_filters.show_kind(reason)
            request = search_filters.show_filters(
                opened,
                Request(
                    limit=MAX_RESULTS,
                    max_distance=max_distance,
                    is_ball=max_distance is not None,
                    relevance=kind,
                ),
            )
        with st.popover("Size", icon=":material/photo_size_select_large:", key="sizes"):
            _tile_size()
    with sorting:
        _order()
    if request.is_ball:
        return request
    with how_many:
        chosen = _choice("Results", _LIMITS, "k")
    return replace(request, limit=chosen if chosen in _LIMITS else _LIMITS[0])


def _order() -> None:
    state.understand_old("order", _OLD_ORDERS)
    st.selectbox(
        "Order",
        (WITHIN, RESCORED, RELAXED, CODES),
        key="order",
        help=_ORDERS,
        on_change=state.first_page,
        bind=_URL,
    )


def order() -> str:
    """The order chosen."""
    return st.session_state.get("order") or WITHIN


def tile_px() -> int:
    """Least width of a tile."""
    return _TILES.get(st.session_state.get("size", ""), _TILES["Medium"])


def page(answer: Answer) -> slice:
    """Which results to show; draws page numbers when there are several pages."""
    n_pages = -(-len(answer.results) // PAGE_SIZE)
    if n_pages < 2:
        return slice(0, PAGE_SIZE)
    if st.session_state.get(state.PAGE, 1) > n_pages:
        state.first_page()
    current = st.pagination(n_pages, key=state.PAGE, bind=_URL)
    return slice((current - 1) * PAGE_SIZE, current * PAGE_SIZE)


def widen(max_distance: int) -> None:
    """Search within `max_distance`; for the callback of a button."""
    st.session_state["r"] = max_distance


def _tile_size() -> None:
    st.segmented_control(
        "Image size", list(_TILES), default="Medium", required=True, key="size", bind=_URL
    )


def _max_distance(bits: int) -> int:
    max_distance = st.number_input(
        "Radius (bits)", 0, bits, 2, key="r", width=130, on_change=state.first_page, bind=_URL
    )
    return min(max(int(max_distance), 0), bits)


def _choice(label: str, options: Sequence[_T], key: str, help: str | None = None) -> _T:
    return st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        help=help,
        on_change=state.first_page,
        bind=_URL,
    )
