"""Save: uploaded queries kept in the library, listed, opened again and removed."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached, state
from dashboard.services import permalink
from dashboard.services.permalink import SavedQuery
from dashboard.widgets import gallery
from pipeline.images import ImageError
from pipeline.wording import escape_markdown

_KEY, _SHOWN = "saved_queries", 12


def show_saved_queries(ref: str) -> None:
    """A button that opens the list.

    Args:
        ref: link name of the query on screen.
    """
    saved = permalink.saved_queries(cached.library.settings())
    with st.popover("Save", icon=":material/bookmark:"):
        if not ref.startswith("up:"):
            st.caption("Images of the data set don't need saving; Copy link reopens them.")
        elif any(query.ref == ref for query in saved):
            st.markdown("The query on screen is saved in the library.")
            st.button("Remove it", icon=":material/delete:", on_click=_remove, args=(ref,))
        else:
            st.markdown("Saves the query on screen in this library, for everyone who uses it.")
            st.button("Save this image", on_click=store, args=(ref,), type="primary")
        _list(saved, ref)


def store(ref: str) -> None:
    """Keep an upload of this tab in the library; for callbacks."""
    access.require("reviewer")
    uploaded = state.upload(ref)
    if uploaded is None:
        return
    try:
        permalink.store_query(uploaded, cached.library.settings())
    except (ImageError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")


def _list(saved: list[SavedQuery], ref: str) -> None:
    if not saved:
        st.caption("No image has been saved yet.")
        return
    tiles = tuple(
        gallery.Tile(
            query.ref,
            cached.search.saved_preview(query.ref),
            f"search with saved: {query.name}",
            query.name,
        )
        for query in saved[:_SHOWN]
    )
    more = f"; the newest {_SHOWN} are shown" if len(saved) > _SHOWN else ""
    st.caption(f"{len(saved):,} saved{more}. Click one to search with it.")
    gallery.show_gallery(
        [gallery.TileGroup(tiles)],
        key=_KEY,
        label="Saved queries",
        tile_px=84,
        pressed=ref,
        on_pick=_pick,
    )


def _pick() -> None:
    ref = gallery.picked(_KEY)
    if ref:
        state.choose_query(ref)


def _remove(ref: str) -> None:
    access.require("reviewer")
    try:
        permalink.remove_query(ref, cached.library.settings())
    except OSError as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")
