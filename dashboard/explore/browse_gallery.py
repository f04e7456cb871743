"""The images that pass the filters, and a drawer for one of them."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached, state
from dashboard.explore import browse_filters
from dashboard.services import image_facts, run_choices
from dashboard.services.image_facts import TagsOf
from dashboard.services.queries import dataset_ref
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import gallery, image_tags
from dashboard.widgets.drawer import show_drawer
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown

KEY = "browse"
PAGE_SIZE = 60


def show_images(
    dataset: RetrievalDataset,
    rows: NDArray[np.int64],
    label_set: str,
    tags: TagsOf,
    is_choosing: bool,
) -> int | None:
    """One page of images, to look at or to choose from; the row that was clicked just now."""
    n_pages = -(-len(rows) // PAGE_SIZE)
    page = 1
    if n_pages > 1:
        if st.session_state.get(browse_filters.PAGE, 1) > n_pages:
            st.session_state[browse_filters.PAGE] = 1
        page = st.pagination(n_pages, key=browse_filters.PAGE, bind="query-params")
    shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    if is_choosing:
        image_tags.bar(dataset, shown, tags)
    tiles = tuple(_tile(dataset, int(row), label_set, tags) for row in shown)
    clicked = gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key=KEY,
        label="Images",
        tile_px=112,
        pressed=sorted(image_tags.chosen(dataset)) if is_choosing else None,
        on_pick=lambda: image_tags.choose(dataset, shown, KEY),
        on_search=None if is_choosing or state.run() is None else _search,
    )
    return int(clicked) if clicked else None


def _search(row: str) -> None:
    state.search_next(dataset_ref(int(row)))


def open_drawer(dataset: RetrievalDataset, row: int) -> None:
    """Open the drawer of one image: its facts, and what the chosen run says about it."""
    opened = None
    if (run_id := state.run()) is not None:
        try:
            opened = cached.search.opened(run_id).searched
        except (RunError, DatasetError) as error:
            st.toast(escape_markdown(str(error)), icon=":material/error:")
    shown = partial(_facts, dataset)
    show_drawer(row, dataset, gallery_key=KEY, opened=opened, facts=shown)


def _facts(dataset: RetrievalDataset, row: int) -> list[tuple[str, str]]:
    tags = image_tags.read(dataset)[0].get(str(dataset.manifest["sha256"].iloc[row]), ())
    choices = cached.library.runs(dataset.info.name)
    coded = [row in rows for rows in run_choices.coded_rows(choices, cached.library.settings())]
    return image_facts.facts(dataset, row, tags, len(coded), sum(coded))


def _tile(dataset: RetrievalDataset, row: int, label_set: str, tags: TagsOf) -> gallery.Tile:
    image = dataset.manifest.iloc[row]
    words = (
        *(image[f"labels:{label_set}"] if label_set else ()),
        *tags.get(str(image["sha256"]), ()),
    )
    labels = ", ".join(words)
    text = str(image["text"]) or str(image["image_id"])
    return gallery.Tile(
        id=str(row),
        src=thumb_url(dataset.info.name, str(image["sha256"])),
        name=f"{text}, {labels or 'no label'}",
        caption=labels or text,
    )
