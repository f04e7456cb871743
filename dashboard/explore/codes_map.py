"""The code map on the Codes page: a click or a lasso shows the images of codes."""

from __future__ import annotations

import streamlit as st

from dashboard import cached
from dashboard.explore import codes_images
from dashboard.widgets import code_map
from pipeline.analysis.code_map import CodeMap, rows_at
from pipeline.analysis.opened_run import OpenRun
from pipeline.wording import plural

_MAP, _PICKED, _MAP_PX = "code_map", "code_map_picked", 520
_MOST = 60  # images below the map


def show_map(opened: OpenRun) -> None:
    """The map, and below it the images of the codes that were chosen; at first the fullest."""
    opened = opened.searched
    shown = cached.search.code_map(opened)
    st.caption(code_map.describe(shown, len(opened.database_rows)))
    code_map.show_code_map(
        opened, shown, key=_MAP, height=_MAP_PX, on_pick=lambda: _keep(opened.id)
    )
    run_id, numbers = st.session_state.get(_PICKED, ("", []))
    rows = rows_at(shown, opened, numbers if run_id == opened.id and numbers else [0])
    _sentence(shown, len(rows), numbers if run_id == opened.id else [])
    codes_images.show_images(opened, rows[:_MOST], "bucket")


def _sentence(shown: CodeMap, n_images: int, numbers: list[int]) -> None:
    images = plural(n_images, "image")
    if len(numbers) > 1:
        said = f"{images} with these {len(numbers)} codes"
    else:
        said = f"{images} {'shares' if n_images == 1 else 'share'} this code"
        said += "" if numbers else ", the most frequent one"
    more = f" :gray[· the first {_MOST} are shown]" if n_images > _MOST else ""
    st.markdown(f"**{said}**{more} :gray[· {plural(shown.n_distinct, 'distinct code')} in all]")


def _keep(run_id: str) -> None:
    numbers, _ = code_map.picked(_MAP)
    st.session_state[_PICKED] = (run_id, numbers)
