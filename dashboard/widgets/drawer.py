"""The drawer on the right: one image in detail, why it is near the query, and what to do with it.

Every page opens this one for the images of a data set, and says what it may offer there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.services.queries import dataset_ref
from dashboard.services.search import QueryImage
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import fact_lines, gallery, query_panel, verdict_buttons, why_near
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import escape_html, escape_markdown

_ROW = "drawer_row"  # of the image in the drawer


def _go_to_search(ref: str) -> None:
    state.switch_page("explore/search_page.py", q=ref)


def show_drawer(
    row: int,
    dataset: RetrievalDataset,
    *,
    gallery_key: str,
    titles: Mapping[int, str] | None = None,
    opened: OpenRun | None = None,
    query: QueryImage | None = None,
    compares_query: bool = False,
    facts: Callable[[int], Sequence[tuple[str, str]]] = lambda _: (),
    after_search: Callable[[str], Any] = _go_to_search,
) -> None:
    """Open the drawer for an image; its buttons and the arrow keys go on to the next ones.

    Args:
        row: manifest row of the image.
        dataset: data set that the image belongs to.
        gallery_key: key of the gallery that the image was chosen in, whose images are the next
            ones, and which gets the keyboard back.
        titles: heading of each image of the gallery by its row.
        opened: run that explains the image; None: only the image and its facts are shown.
        query: query on the page, which the image is compared with; None: the drawer shows the
            query of Search and compares with that.
        compares_query: whether runs are compared on the query instead of on the image.
        facts: gives names and values of a row, shown below its picture; empty: the run's
            explanation names it.
        after_search: called with the link name of the image once it has become the query.
    """
    is_query_on_page = query is not None
    if opened is not None and query is None:
        query = query_panel.of_search(opened)

    st.session_state[_ROW] = row
    rows = [int(one) for one in gallery.order(gallery_key)]

    @st.dialog("Image", position="right", on_dismiss=lambda: _focus(gallery_key))
    def drawer() -> None:
        row = st.session_state[_ROW]
        _next_ones(rows, row, titles or {})
        compared = query if query is not None and query.row != row else None
        _pictures(dataset, row, opened, compared)
        if opened is not None:
            _search(row, after_search)
        known = facts(row)
        if known:
            fact_lines.facts(known)
        if opened is None:
            return
        if compared is not None:
            if not is_query_on_page:
                why_near.show_query(opened, compared)
            why_near.show_why_near(row, opened, compared, is_known=bool(known))
            verdict_buttons.show_verdict_buttons(
                opened, _query_sha(compared, opened), opened.text("sha256", row)
            )
        _compare(row, query if compares_query else None)

    drawer()


def _next_ones(rows: list[int], row: int, titles: Mapping[int, str]) -> None:
    """The heading of the image between the buttons to the one before and the one after it."""
    if row not in rows or len(rows) == 1:
        return
    place = rows.index(row)
    before = rows[place - 1] if place > 0 else None
    after = rows[place + 1] if place < len(rows) - 1 else None
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        _step("Previous", ":material/arrow_back:", "Left", before)
        st.markdown(f"**{escape_markdown(titles.get(row, ''))}**", width="content")
        _step("Next", ":material/arrow_forward:", "Right", after)


def _step(label: str, icon: str, shortcut: str, row: int | None) -> None:
    st.button(
        label,
        icon=icon,
        shortcut=shortcut,
        disabled=row is None,
        on_click=st.session_state.update,
        args=({_ROW: row},),
    )


def _focus(gallery_key: str) -> None:
    gallery.focus(gallery_key, str(st.session_state[_ROW]))


def _pictures(
    dataset: RetrievalDataset, row: int, opened: OpenRun | None, query: QueryImage | None
) -> None:
    """The image, beside the query that it is compared with."""
    beside = _query_picture(opened, query) if opened and query else ""
    st.html(
        "<div style='display:flex;gap:.75rem;align-items:flex-end'>"
        f"{beside}{_result_picture(dataset, row)}</div>"
    )


def _result_picture(dataset: RetrievalDataset, row: int) -> str:
    image = dataset.manifest.iloc[row]
    source = thumb_url(dataset.info.name, str(image["sha256"]), is_large=True)
    return _picture(source, str(image["text"] or image["image_id"]), "flex:2 1 0")


def _query_picture(opened: OpenRun, query: QueryImage) -> str:
    return _picture(query_panel.source(opened, query), f"Query: {query.name}", "flex:1 1 0")


def _picture(source: str, name: str, width: str) -> str:
    return (
        f"<div style='{width};min-width:0'><img src='{source}' alt='{escape_html(name)}' "
        "style='display:block;width:100%;max-height:15rem;object-fit:contain;border-radius:.4rem'>"
        "<div style='font-weight:600;margin-top:.5rem;overflow-wrap:anywhere'>"
        f"{escape_html(name)}</div></div>"
    )


def _query_sha(query: QueryImage, opened: OpenRun) -> str:
    if query.row is not None:
        return opened.text("sha256", query.row)
    return query.upload.sha256 if query.upload else ""


def _search(row: int, after_search: Callable[[str], Any]) -> None:
    """A button that searches with this image."""
    ref = dataset_ref(row)
    is_pressed = st.button(
        "Search with this",
        icon=":material/image_search:",
        type="primary",
        width="stretch",
        on_click=state.choose_query,
        args=(ref,),
    )
    if is_pressed:
        after_search(ref)


def _compare(row: int, query: QueryImage | None) -> None:
    """A button to the page that compares runs: on the query given, or else on the image."""
    is_pressed = st.button(
        f"Compare runs on this {'query' if query else 'image'}",
        icon=":material/compare_arrows:",
        width="stretch",
    )
    if is_pressed:
        state.switch_to_compare(query.ref if query else dataset_ref(row))
