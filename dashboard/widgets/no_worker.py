"""What waits for a worker, where none is running: a button that starts one, or who has to."""

from __future__ import annotations

import streamlit as st

from dashboard import access, cached
from pipeline.wording import COMMAND
from pipeline.worker import ensure_worker


def show_no_worker(what: str) -> None:
    """Say what waits, with a button where this server may start a worker.

    Args:
        what: subject and verb of the sentence, for example `Runs are waiting for a worker`.
    """
    settings = cached.library.settings()
    if settings.start_worker:
        with st.container(horizontal=True, vertical_alignment="center", key="no_worker"):
            st.warning(f"{what}; none is running.", width=420)
            st.button(
                "Start a worker",
                icon=":material/play_arrow:",
                on_click=_start,
            )
        return
    st.warning(f"{what}; none is running, and the host of this server has to start one.")
    with st.expander("As a command", icon=":material/terminal:"):
        st.code(f"{COMMAND} worker", language="bash")


def _start() -> None:
    access.require("operator")
    ensure_worker(cached.library.settings())
    cached.runs.forget_status()
