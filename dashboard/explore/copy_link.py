"""Copy link: one address that restores what is on screen, whoever opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard import cached, state
from dashboard.explore import saved_queries, search_results
from dashboard.services import permalink
from dashboard.services.comparing import Groups, differing_words
from dashboard.widgets import gallery
from pipeline.analysis.opened_run import OpenRun

SEARCH = ("mode", "k", "r", "show", "order", "size", "has", "label", "in", "max", state.PAGE)
CODES = (
    *("view", "query_view", "bit_view", "codes_view"),
    *("flip", "mute", "bit", "probe", "beside"),
)
_HELP = "Restores what is on screen, and says what has changed in the index since then."
_HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "hashlens_copy_link",
    html=(_HERE / "copy_link.html").read_text("utf-8"),
    css=(_HERE / "copy_link.css").read_text("utf-8"),
    js=(_HERE / "copy_link.js").read_text("utf-8"),
)


def show_copy_link(
    settings: tuple[str, ...], *opened: OpenRun, ref: str = "", name: str = state.QUERY
) -> None:
    """A button that copies the link; an uploaded query is stored first, when that is asked for.

    Where the browser does not let the page write to the clipboard, the link stands selected.

    Args:
        settings: parameters of the page beside data set, run and query.
        opened: the runs on screen.
        ref: link name of the query; empty for none.
        name: of the query's parameter.
    """
    if ref.startswith("up:") and permalink.stored_query(ref, cached.library.settings()) is None:
        with st.popover("Copy link", icon=":material/link:"):
            st.markdown("The link needs your image, which will be stored in this library.")
            st.button("Store the image", on_click=saved_queries.store, args=(ref,), type="primary")
            st.caption("*Copy link* then copies it.")
        return
    link = _link(settings, opened, {name: ref})
    _draw(key="copy_link", data={"link": link, "help": _HELP}, width="content")


def outdated(
    *opened: OpenRun, since: Callable[[str], Groups | None] = lambda version: None
) -> None:
    """Say what has changed since the link in the address bar was made; else nothing.

    Args:
        opened: the runs on screen.
        since: gives the results on screen beside those of a version of the index; None where
            these is unavailable.
    """
    linked, now = st.query_params.get(state.FINGERPRINT, ""), _searched(opened)
    version = permalink.version_then(linked, now)
    groups = since(version) if version else None
    effect = "results may differ" if groups is None else differing_words(groups)
    if changed := permalink.what_changed(linked, now, effect):
        st.info(changed)
        if groups is not None and (groups.first or groups.second):
            _see(groups, opened[0])


def _see(groups: Groups, opened: OpenRun) -> None:
    """A button that shows which results are new, and which are gone."""
    parts = (("New", groups.first), ("Gone", groups.second))
    shown = [
        gallery.TileGroup(
            tuple(search_results.tile(one, opened) for one in part), f"{name}: {len(part)}"
        )
        for name, part in parts
        if part
    ]
    with st.popover("See which", icon=":material/difference:", width="content"):
        gallery.show_gallery(
            shown, key="differing", label="Results that differ", tile_px=84, is_still=True
        )


def _link(settings: tuple[str, ...], opened: tuple[OpenRun, ...], query: dict[str, str]) -> str:
    chosen = {
        name: st.session_state.get(name, st.query_params.get(name))
        for name in (state.DATASET, state.RUN, *settings)
    }
    return permalink.link(st.context.url or "", {**chosen, **query}, _searched(opened))


def _searched(opened: tuple[OpenRun, ...]) -> str:
    return permalink.fingerprint(*((one.dataset.info.fingerprint, one.run) for one in opened))
