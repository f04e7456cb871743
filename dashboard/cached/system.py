"""The state of everything, for the Status page."""

from __future__ import annotations

import streamlit as st

from dashboard.cached.library import settings, store
from dashboard.cached.search import index
from dashboard.services.status import Overview, read_overview


def forget_status() -> None:
    """Look at everything again; for a button."""
    overview.clear()
    index.clear()


@st.cache_data(ttl=20, show_spinner=False)
def overview() -> Overview:
    """The state of everything."""
    return read_overview(settings(), store())
