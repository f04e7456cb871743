"""The filters of the Browse page, in the address bar, and the chart that sets one of them."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dashboard.charts.counts import PICK, class_bars
from dashboard.services.image_facts import Filters, TagsOf, class_bars_table, given_splits, matching
from dashboard.widgets import image_tags
from pipeline.datasets.dataset import RetrievalDataset

PAGE = "bp"
_CLASSES, _SET, _CHART = "class", "labels", "class_chart"
_MOST_BARS = 25
_URL: Final = "query-params"


def show_filters(dataset: RetrievalDataset, tags: TagsOf) -> Filters:
    """Draw the filters and say what they ask for."""
    sets = [labels.name for labels in dataset.info.label_sets]
    splits = given_splits(dataset)
    label_set, split, tag = sets[0] if sets else "", "All", None
    classes: list[str] = []
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        text = st.text_input(
            "Text contains", key="text", placeholder="name, caption or label", bind=_URL
        )
        if len(sets) > 1:
            label_set = st.segmented_control(
                "Labels",
                sets,
                default=sets[0],
                required=True,
                key=_SET,
                on_change=_reset,
                bind=_URL,
            )
        if sets:
            known = dataset.label_set(label_set).classes
            classes = st.multiselect(
                "Class", known, key=_CLASSES, placeholder="Any", on_change=_first_page, bind=_URL
            )
        if splits:
            split = st.segmented_control(
                "Split",
                ("All", *splits),
                default="All",
                required=True,
                key="part",
                on_change=_first_page,
                bind=_URL,
            )
        if words := image_tags.names(tags):
            tag = st.selectbox(
                "Tag",
                words,
                index=None,
                key="tag",
                placeholder="Any",
                width=180,
                on_change=_first_page,
                bind=_URL,
            )
    return Filters(label_set, tuple(classes), "" if split == "All" else split, text, tag or "")


def chart(dataset: RetrievalDataset, filters: Filters, tags: TagsOf) -> None:
    """Images per class under the other filters; a click on a bar filters by it."""
    labels = dataset.label_set(filters.label_set)
    rows = matching(dataset, filters, tags, any_class=True)
    table = class_bars_table(dataset, labels, rows, _MOST_BARS)
    more = len(labels.classes) - len(table)
    st.markdown("**Images per class** :gray[· click to filter]")
    st.altair_chart(
        class_bars(table, is_clickable=True),
        key=_CHART,
        on_select=_pick,
        selection_mode=[PICK],
        alt=f"Images of the {len(table)} most frequent classes; a click filters.",
    )
    if more:
        st.caption(f"{more:,} smaller classes are not shown.")


def choose_classes(names: list[str]) -> None:
    """Filter by these classes; for callbacks."""
    st.session_state[_CLASSES] = names
    _first_page()


def _pick() -> None:
    picked = st.session_state[_CHART].selection.get(PICK, [])
    choose_classes([one["class"] for one in picked])


def _reset() -> None:
    choose_classes([])


def _first_page() -> None:
    st.session_state[PAGE] = 1
