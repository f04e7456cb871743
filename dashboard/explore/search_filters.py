"""The filters of a search: relevance, text, label, split and distance.

One that cannot act is disabled and says why; what a link asks of it counts for nothing.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboard import state
from dashboard.services.search import QueryImage, Request
from dashboard.widgets import image_tags
from pipeline.analysis.duplicates import TAG
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_quality import relevance

SPLITS = {
    "Any split": "",
    "Trained on": "train",
    "Not trained on": "database",
    "Queries": "query",
    "Without a label": "unlabelled",
    "In no part": "other",
    "Added since": "added",
}
TEXT, LABEL, SPLIT, MAX_DISTANCE, KIND, HIDE = "has", "label", "in", "max", "show", "hide"
_KINDS = {"All": "all", "Relevant": "relevant", "Not relevant": "not relevant"}
_NO_LABELS = "This data set has no labels."


def no_relevance(opened: OpenRun, query: QueryImage) -> str:
    """Why nothing says which results are relevant, as a sentence; empty where labels do."""
    if opened.label_set is None:
        return _NO_LABELS
    if relevance(opened, query.row) is not None:
        return ""
    if query.words is not None:
        return "Words have no labels, so nothing says which results are relevant."
    if query.row is None:
        return "Your image has no known labels, so nothing says which results are relevant."
    return "The query has no labels, so nothing says which results are relevant."


def show_kind(reason: str) -> str:
    """A choice of the results to show, as in `Request.relevance`.

    Args:
        reason: why it cannot be chosen; empty where it can.
    """
    chosen = st.segmented_control(
        "Show",
        list(_KINDS),
        default="All",
        required=True,
        key=f"{KIND}_off" if reason else KIND,
        disabled=bool(reason),
        on_change=state.first_page,
        bind=None if reason else "query-params",
    )
    if reason:
        st.caption(reason)
    return "all" if reason else _KINDS.get(str(chosen), "all")


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
            help="Whether the method was trained on the image, or why it was not.",
            on_change=state.first_page,
            width=140,
            bind="query-params",
        )
        if not request.is_ball:
            request = replace(request, max_distance=_max_distance(opened.bits))
    hidden = _hidden(opened)
    return replace(request, labels=labels, split=SPLITS.get(split, ""), text=text, hidden=hidden)


def n_set(opened: OpenRun, reason: str) -> int:
    """How many filters act: set by the controls, or by the address before they are drawn.

    Args:
        opened: the run that is searched.
        reason: why relevance cannot be filtered by; empty where it can.
    """

    def value(name: str) -> object:
        return st.session_state.get(name, st.query_params.get(name))

    return sum(
        [
            bool(value(TEXT)),
            bool(value(LABEL)) and opened.label_set is not None,
            value(SPLIT) not in (None, next(iter(SPLITS))),
            value(MAX_DISTANCE) is not None,
            value(HIDE) in (True, "true"),
            value("mode") == "Radius",
            value(KIND) not in (None, "All") and not reason,
        ]
    )


def clear() -> None:
    """Forget all filters; for the callback of a button."""
    usual: dict[str, object] = {
        TEXT: "",
        LABEL: [],
        SPLIT: next(iter(SPLITS)),
        MAX_DISTANCE: None,
        HIDE: False,
    }
    st.session_state.update(usual)
    state.first_page()


def _hidden(opened: OpenRun) -> frozenset[int]:
    """Rows of images that are tagged as duplicates, where people do not want to see them."""
    tags, _ = image_tags.read(opened.dataset)
    tagged = [image for image, words in tags.items() if TAG in words]
    if not tagged:
        return frozenset()
    is_on = st.checkbox(
        f"Hide duplicates ({len(tagged):,})",
        key=HIDE,
        help=f"Leaves out images with the tag “{TAG}”, which Near-duplicates puts on them.",
        on_change=state.first_page,
        bind="query-params",
    )
    rows = (opened.row_of.get(image) for image in tagged)
    return frozenset(row for row in rows if row is not None) if is_on else frozenset()


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
    is_off = opened.label_set is None
    chosen = st.multiselect(
        "Only with label",
        opened.classes,
        key=f"{LABEL}_off" if is_off else LABEL,
        placeholder="No labels" if is_off else "Any label",
        disabled=is_off,
        help=_NO_LABELS if is_off else None,
        on_change=state.first_page,
        width=185,
        bind=None if is_off else "query-params",
    )
    return tuple(name for name in chosen if name in opened.classes)
