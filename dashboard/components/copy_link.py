"""Copy link: one address that restores the search, whoever opens it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.services import permalink, resources
from dashboard.services.open_run import OpenRun
from dashboard.services.text import escape_markdown
from pipeline.images import ImageError
from pipeline.indexing import read_index

_SETTINGS = ("mode", "k", "r", "show", "order", "size", "has", "label", "in", "max", state.PAGE)


def show(opened: OpenRun, ref: str) -> None:
    """A button that shows the link; an uploaded query is stored when it is pressed."""
    with st.popover("Copy link", icon=":material/link:"):
        is_upload = ref.startswith("up:")
        if is_upload and permalink.stored_query(ref, resources.settings()) is None:
            st.markdown("The link needs your image: it will be stored in this library.")
            st.button("Store the image and make the link", on_click=_store, type="primary")
            return
        st.code(_link(opened, ref), language=None, wrap_lines=True)
        st.caption("Restores data set, run, query, filters, order and page; says what has changed.")


def outdated(opened: OpenRun) -> str:
    """What has changed since the link in the address bar was made; empty for nothing."""
    return permalink.what_changed(st.query_params.get("ix", ""), _searched(opened))


def _link(opened: OpenRun, ref: str) -> str:
    chosen = {name: st.session_state.get(name) for name in _SETTINGS}
    own = {"ds": state.dataset(), "run": st.session_state.get(state.RUN), "q": ref}
    return permalink.link(st.context.url or "", {**own, **chosen}, _searched(opened))


def _searched(opened: OpenRun) -> str:
    return permalink.fingerprint(opened.dataset.info.fingerprint, read_index(opened.run))


def _store() -> None:
    uploaded = state.upload()
    if uploaded is None:
        return
    try:
        permalink.store_query(uploaded, resources.settings())
    except (ImageError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")
