"""The filters of a search: text, label, split and distance; the store applies them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboard import state
from dashboard.services.search import Request
from pipeline.analysis.opened_run import OpenRun

SPLITS = {
    "Any split": "",
    "Trained on": "train",
    "Not trained on": "database",
    "Added since": "added",
}
TEXT, LABEL, SPLIT, MAX_DISTANCE = "has", "label", "in", "max"


def show_filters(opened: OpenRun, request: Request) -> Request:
    """Draw the filters and add what they ask for to a request."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Text contains",
            key=TEXT,
            placeholder="name, caption or label",
            help="Only images with all of these words; whole words, in any case.",
            on_change=state.first_page,
            width=165,
            bind="query-params",
        )
        labels = _labels(opened)
        split = st.selectbox(
            "Split",
            list(SPLITS),
            key=SPLIT,
            help="Whether the method was trained on the image.",
            on_change=state.first_page,
            width=140,
            bind="query-params",
        )
        if not request.is_ball:
            request = replace(request, max_distance=_max_distance(opened.bits))
    return replace(request, labels=labels, split=SPLITS.get(split, ""), text=text)


def n_set() -> int:
    """How many filters are set: by the controls, or by the address before they are drawn."""

    def value(name: str) -> object:
        return st.session_state.get(name, st.query_params.get(name))

    return sum(
        [
            bool(value(TEXT)),
            bool(value(LABEL)),
            value(SPLIT) not in (None, next(iter(SPLITS))),
            value(MAX_DISTANCE) is not None,
            value("mode") == "Radius",
            value("show") not in (None, "All"),
        ]
    )


def clear() -> None:
    """Forget all filters; for the callback of a button."""
    st.session_state.update({TEXT: "", LABEL: [], SPLIT: next(iter(SPLITS)), MAX_DISTANCE: None})
    state.first_page()


def _max_distance(bits: int) -> int | None:
    max_distance = st.number_input(
        "Within (bits)",
        0,
        bits,
        None,
        key=MAX_DISTANCE,
        placeholder="any",
        help="Only images at this distance or nearer.",
        on_change=state.first_page,
        width=120,
        bind="query-params",
    )
    return None if max_distance is None else min(int(max_distance), bits)


def _labels(opened: OpenRun) -> tuple[str, ...]:
    if opened.label_set is None:
        return ()
    known = opened.classes
    chosen = st.multiselect(
        "Only with label",
        known,
        key=LABEL,
        placeholder="Any label",
        on_change=state.first_page,
        width=185,
        bind="query-params",
    )
    return tuple(name for name in chosen if name in known)
