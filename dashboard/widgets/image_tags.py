"""Tags on Browse: a mode in which clicks choose images, and what is then done with them."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import access, cached
from dashboard.services.image_facts import TagsOf
from dashboard.widgets import gallery, notices
from pipeline.annotations.tags import TagError, Tags
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import escape_markdown, plural

USUAL = ("bad label", "review")
_MODE, _TAG = "choosing", "tag_to_put"


def read(dataset: RetrievalDataset) -> tuple[TagsOf, str]:
    """The tags of a data set by SHA-256, and why they cannot be read; empty when they can."""
    try:
        return _tags(dataset).all(), ""
    except (TagError, OSError) as error:
        return {}, str(error)


def known(dataset: RetrievalDataset) -> TagsOf:
    """The tags of a data set by SHA-256; says so and gives none when they cannot be read."""
    tags, reason = read(dataset)
    if reason:
        notices.problem(
            "The tags of this data set cannot be read.",
            reason=reason,
            works="Everything else still works.",
            key="tag_problem",
        )
    return tags


def names(tags: TagsOf) -> list[str]:
    """The different tags, in alphabetical order."""
    return sorted({tag for words in tags.values() for tag in words})


def switch() -> bool:
    """The switch between looking at images and choosing some; whether it is on."""
    if not access.may("reviewer"):
        return False
    return st.toggle("Select images", key=_MODE, help="Click images to select them for tagging.")


def chosen(dataset: RetrievalDataset) -> set[str]:
    """Manifest rows that are chosen, as the gallery's ids; for the tab."""
    rows: set[str] = st.session_state.setdefault(f"chosen_{dataset.info.fingerprint}", set())
    return rows


def choose(dataset: RetrievalDataset, shown: NDArray[np.int64], key: str) -> None:
    """Keep what is chosen in a gallery of some manifest rows; for callbacks."""
    picked = gallery.chosen(key)
    if picked is not None:
        chosen(dataset).difference_update(map(str, shown.tolist()))
        chosen(dataset).update(picked)


def bar(dataset: RetrievalDataset, shown: NDArray[np.int64], tags: TagsOf) -> None:
    """What is chosen, and the buttons that put a tag on it or take one away."""
    rows = chosen(dataset)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="tag_bar"):
        st.button("All shown", on_click=rows.update, args=(set(map(str, shown.tolist())),))
        st.button("None", on_click=rows.clear, disabled=not rows)
        tag = st.selectbox(
            "Tag",
            sorted({*USUAL, *names(tags)}),
            key=_TAG,
            accept_new_options=True,
            width=160,
            help="Choose a tag, or type a new one.",
        )
        for label, how in (("Add tag", "put"), ("Remove tag", "take")):
            st.button(
                label,
                on_click=_change,
                args=(dataset, how),
                disabled=not rows or not tag,
                key=f"tag_{how}",
            )
    st.caption(f"{plural(len(rows), 'image')} selected")


def _change(dataset: RetrievalDataset, how: str) -> None:
    access.require("reviewer")
    tag = str(st.session_state[_TAG] or "")  # as it is now: it may be newer than the button
    stored = _tags(dataset)
    images = dataset.manifest["sha256"].iloc[sorted(map(int, chosen(dataset)))].tolist()
    change: Callable[[Collection[str], str], None] = stored.put if how == "put" else stored.take
    try:
        change(images, tag)
    except (TagError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")
        return
    word = "Added to" if how == "put" else "Removed from"
    st.toast(f"{word} {plural(len(images), 'image')}: {escape_markdown(tag)}")
    chosen(dataset).clear()


def _tags(dataset: RetrievalDataset) -> Tags:
    return Tags.of(dataset.info.name, cached.library.settings())
