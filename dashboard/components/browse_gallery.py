"""The images that pass the filters, and a drawer for one of them."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import state
from dashboard.components import browse_filters, gallery, status_lines
from dashboard.services.browse import facts
from dashboard.services.queries import dataset_ref
from dashboard.services.text import escape_html
from dashboard.services.thumbs import thumb_url
from pipeline.datasets.base import RetrievalDataset

KEY = "browse"
PAGE_SIZE = 60


def show(dataset: RetrievalDataset, rows: NDArray[np.int64], label_set: str) -> int | None:
    """One page of images; returns the row that was clicked just now."""
    n_pages = -(-len(rows) // PAGE_SIZE)
    page = 1
    if n_pages > 1:
        if st.session_state.get(browse_filters.PAGE, 1) > n_pages:
            st.session_state[browse_filters.PAGE] = 1
        page = st.pagination(n_pages, key=browse_filters.PAGE, bind="query-params")
    shown = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    tiles = tuple(_tile(dataset, int(row), label_set) for row in shown)
    clicked = gallery.show([gallery.TileGroup(tiles)], key=KEY, label="Images", tile_px=112)
    return int(clicked) if clicked else None


def drawer(dataset: RetrievalDataset, row: int) -> None:
    """Open the drawer of one image."""
    name = escape_html(str(dataset.manifest["text"].iloc[row]))

    @st.dialog("Image", position="right", on_dismiss=lambda: gallery.focus(KEY, str(row)))
    def opened() -> None:
        source = thumb_url(
            dataset.info.name, str(dataset.manifest["sha256"].iloc[row]), is_large=True
        )
        st.html(
            f"<img src='{source}' alt='{name}' style='display:block;width:100%;max-height:22rem;"
            "object-fit:contain;border-radius:.4rem'>"
        )
        status_lines.facts(facts(dataset, row))
        if state.run() is not None and st.button(
            "Search with this", icon=":material/image_search:", type="primary", width="stretch"
        ):
            state.switch_page("app_pages/search.py", q=dataset_ref(row))

    opened()


def _tile(dataset: RetrievalDataset, row: int, label_set: str) -> gallery.Tile:
    own = dataset.manifest.iloc[row]
    labels = ", ".join(own[f"labels:{label_set}"]) if label_set else ""
    text = str(own["text"]) or str(own["image_id"])
    return gallery.Tile(
        id=str(row),
        src=thumb_url(dataset.info.name, str(own["sha256"])),
        name=f"{text}, {labels or 'no label'}",
        caption=labels or text,
    )
