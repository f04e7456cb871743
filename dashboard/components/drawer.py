"""The drawer on the right: one result in detail, why it is near, and a search from there."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.components import bit_strip, gallery, results
from dashboard.services import resources
from dashboard.services.open_run import OpenRun
from dashboard.services.queries import dataset_ref
from dashboard.services.search import Answer, Result, bit_string
from dashboard.services.text import escape_html
from dashboard.services.thumbs import thumb_url

_VERDICTS = {
    True: ("Relevant", ":material/check_circle:", "green"),
    False: ("Not relevant", ":material/cancel:", "orange"),
    None: ("Relevance unknown", ":material/help:", "gray"),
}


def show(result: Result, answer: Answer, opened: OpenRun) -> None:
    """Open the drawer for one result."""
    title = f"Rank {result.rank} · distance {result.distance} of {opened.bits}"

    def give_back_focus() -> None:
        gallery.focus(results.KEY, str(result.row))

    @st.dialog(title, position="right", on_dismiss=give_back_focus)
    def drawer() -> None:
        _picture(result, opened)
        label, icon, color = _VERDICTS[result.relevant]
        st.badge(label, icon=icon, color=color)
        _facts(result, answer, opened)
        _codes(result, answer, opened)
        pressed = st.button(
            "Search with this",
            icon=":material/image_search:",
            type="primary",
            width="stretch",
            on_click=state.choose_query,
            args=(dataset_ref(result.row),),
        )
        if pressed:
            st.rerun()

    drawer()


def _picture(result: Result, opened: OpenRun) -> None:
    source = thumb_url(opened.dataset.info.name, result.sha256, is_large=True)
    name = escape_html(result.text or result.image_id)
    st.html(
        f"<img src='{source}' alt='{name}' style='display:block;width:100%;max-height:20rem;"
        "object-fit:contain;border-radius:.4rem'>"
        f"<div style='font-weight:600;margin-top:.5rem;overflow-wrap:anywhere'>{name}</div>"
    )


def _facts(result: Result, answer: Answer, opened: OpenRun) -> None:
    rows = [("Labels", ", ".join(result.labels) or "none")]
    if result.relevant is not None and answer.asked.row is not None:
        query = set(opened.label_names(answer.asked.row))
        shared = len(query & set(result.labels))
        rows.append(("Shared with the query", f"{shared} of {len(query)}"))
    rows.append(("Image", result.image_id))
    cells = "".join(
        f"<div style='opacity:.75'>{name}</div>"
        f"<div style='overflow-wrap:anywhere'>{escape_html(value)}</div>"
        for name, value in rows
    )
    st.html(
        "<div style='display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;"
        f"font-size:.9rem'>{cells}</div>"
    )


def _codes(result: Result, answer: Answer, opened: OpenRun) -> None:
    code = resources.stored(opened.id, result.row)
    if code is None:
        return
    st.markdown(f"**{result.distance} of {opened.bits} bits differ**")
    st.html(bit_strip.two_codes(bit_string(answer.asked.query), bit_string(code)))
