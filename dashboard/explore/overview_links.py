"""Links of earlier versions, which had Search where the overview is now."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.explore import copy_link

_OF_SEARCH = {*copy_link.SEARCH, "v"}  # `v` is in every copied link


def follow_old_link() -> None:
    """Go on to Search where the address has settings that only Search knows."""
    parameters = st.query_params.to_dict()
    if _OF_SEARCH & parameters.keys():
        state.switch_page("explore/search_page.py", **parameters)
