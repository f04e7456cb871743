"""The drawer on the right: one result in detail, why it is near, and a search from there."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.components import (
    bit_strip,
    gallery,
    results,
    search_order,
    status_lines,
    verdict_buttons,
)
from dashboard.services import resources
from dashboard.services.explain import place, unsure_bits, unsure_words
from dashboard.services.open_run import OpenRun
from dashboard.services.queries import EncodingError, dataset_ref
from dashboard.services.search import Answer, Result, bit_string
from dashboard.services.text import escape_html, escape_markdown
from dashboard.services.thumbs import thumb_url
from pipeline.datasets.base import DatasetError
from pipeline.runs import RunError

_VERDICTS = {
    True: ("Relevant", ":material/check_circle:", "green"),
    False: ("Not relevant", ":material/cancel:", "orange"),
    None: ("Relevance unknown", ":material/help:", "gray"),
}


def show(
    result: Result, answer: Answer, opened: OpenRun, *, gallery_key: str = results.KEY
) -> None:
    """Open the drawer for one result.

    Args:
        result: what was clicked.
        answer: that it is part of.
        opened: the run that gave it.
        gallery_key: of the gallery that gets the keyboard back.
    """
    title = f"Rank {result.rank} · distance {result.distance} of {opened.bits}"

    def give_back_focus() -> None:
        gallery.focus(gallery_key, str(result.row))

    @st.dialog(title, position="right", on_dismiss=give_back_focus)
    def drawer() -> None:
        _picture(result, opened)
        label, icon, color = _VERDICTS[result.relevant]
        st.badge(label, icon=icon, color=color)
        _facts(result, answer, opened)
        _codes(result, answer, opened)
        _ranks(result, answer, opened)
        verdict_buttons.show(opened, _query_sha(answer, opened), result.sha256)
        _onward(result, answer, gallery_key == results.KEY)

    drawer()


def _onward(result: Result, answer: Answer, is_on_search: bool) -> None:
    """Search with this image, or see the query under two runs."""
    pressed = st.button(
        "Search with this",
        icon=":material/image_search:",
        type="primary",
        width="stretch",
        on_click=state.choose_query,
        args=(dataset_ref(result.row),),
    )
    if pressed and is_on_search:
        st.rerun()
    if pressed:
        st.switch_page("app_pages/search.py", query_params={"q": dataset_ref(result.row)})
    if (
        is_on_search
        and answer.asked.row is not None
        and st.button(
            "Compare runs on this query", icon=":material/compare_arrows:", width="stretch"
        )
    ):
        st.switch_page("app_pages/compare.py", query_params={"cq": str(answer.asked.row)})


def _query_sha(answer: Answer, opened: OpenRun) -> str:
    if answer.asked.row is not None:
        return opened.text("sha256", answer.asked.row)
    uploaded = state.upload()
    return uploaded.sha256 if uploaded else ""


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
    query, other = bit_string(answer.asked.query), bit_string(code)
    unsure = ""
    if answer.asked.query.relaxed is not None or st.toggle(
        "Mark unsure bits", key="unsure", help="Encodes the query once more; a moment."
    ):
        try:
            unsure = unsure_bits(search_order.relaxed_query(opened, answer.asked).relaxed)
        except EncodingError as error:
            st.error(escape_markdown(str(error)))
    st.html(bit_strip.two_codes(query, other, unsure))
    if unsure and result.distance:
        differs = "".join("01"[a != b] for a, b in zip(query, other, strict=True))
        st.caption(unsure_words(differs, unsure))


def _ranks(result: Result, answer: Answer, opened: OpenRun) -> None:
    """Rank here, and under another run of the same data set."""
    here = place(opened, answer.asked.query, result.row, answer.asked.row)
    lines = [("Here", here.words if here else "not in the database")]
    others = {
        one.id: one.label for one in resources.runs(opened.dataset.info.name) if one.id != opened.id
    }
    if others and answer.asked.row is not None:
        chosen = st.selectbox(
            "Rank under another run",
            list(others),
            index=None,
            format_func=others.__getitem__,
            key="other_run",
            placeholder="choose a run",
        )
        if chosen:
            lines.append(("There", _place_under(chosen, result.row, answer.asked.row)))
    status_lines.facts(lines)


def _place_under(run_id: str, row: int, query_row: int) -> str:
    try:
        other, query = resources.opened(run_id), resources.stored(run_id, query_row)
    except (RunError, DatasetError) as error:
        return str(error)
    found = place(other, query, row, query_row) if query else None
    return found.words if found else "the run has no code of query or result"
