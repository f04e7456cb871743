"""Copy link: one address that restores what is on screen, whoever opens it."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.components import linked_select, saved_queries
from dashboard.services import permalink, resources
from dashboard.services.open_run import OpenRun

SEARCH = ("mode", "k", "r", "show", "order", "size", "has", "label", "in", "max", state.PAGE)
BITS = ("view", "flip", "mute", "bit", "probe", "beside")
_LINK = "link_opened"  # fingerprint in the address bar, and the runs that it is about
COMPARE = (*state.COMPARED, state.COMPARED_QUERY)


def show(settings: tuple[str, ...], *opened: OpenRun, ref: str = "") -> None:
    """A button that shows the link; an uploaded query is stored when it is asked for.

    Args:
        settings: parameters of the page beside data set, run and query.
        opened: the runs on screen.
        ref: link name of the query; empty where `settings` name it.
    """
    with st.popover("Copy link", icon=":material/link:"):
        if ref.startswith("up:") and permalink.stored_query(ref, resources.settings()) is None:
            st.markdown("The link needs your image: it will be stored in this library.")
            st.button(
                "Store the image and make the link", on_click=saved_queries.store, type="primary"
            )
            return
        st.code(_link(settings, opened, ref), language=None, wrap_lines=True)
        st.caption("Restores what is on screen, and says what has changed in the index since.")


def outdated(*opened: OpenRun) -> None:
    """Say what has changed since the link in the address bar was made; else nothing.

    Its fingerprint stays in the address when other runs are chosen, of which it says nothing: to
    take it out would be one more step for the browser's Back.
    """
    asked, runs = st.query_params.get("ix", ""), [one.run.spec.digest for one in opened]
    if st.session_state.get(_LINK, ("",))[0] != asked:
        is_gone = linked_select.is_any_gone(state.DATASET, state.RUN, *state.COMPARED)
        st.session_state[_LINK] = asked, [] if is_gone else runs
    if st.session_state.get(_LINK) != (asked, runs):
        return
    if changed := permalink.what_changed(asked, _searched(opened)):
        st.info(changed)


def _link(settings: tuple[str, ...], opened: tuple[OpenRun, ...], ref: str) -> str:
    chosen = {
        name: st.session_state.get(name, st.query_params.get(name))
        for name in (state.DATASET, state.RUN, *settings)
    }
    return permalink.link(st.context.url or "", {**chosen, "q": ref}, _searched(opened))


def _searched(opened: tuple[OpenRun, ...]) -> str:
    return permalink.fingerprint(*((one.dataset.info.fingerprint, one.run) for one in opened))
