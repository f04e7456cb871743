"""The drawer on the right: one image in detail, why it is near the query, and what to do with it.

Every page opens this one for the images of a data set.
"""

from __future__ import annotations

from typing import Literal

import streamlit as st

from dashboard import cached, state
from dashboard.services import image_facts
from dashboard.services.queries import dataset_ref
from dashboard.services.search import AskedImage
from dashboard.services.thumbs import thumb_url
from dashboard.widgets import fact_lines, gallery, image_tags, verdict_buttons, why_near
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import escape_html

Page = Literal["search", "compare", "bits", "browse", "failures", "codes"]
_WITHOUT_QUERY: tuple[Page, ...] = ("browse", "bits", "codes")  # they do not show it themselves


def show(
    row: int,
    dataset: RetrievalDataset,
    *,
    page: Page,
    gallery_key: str,
    title: str = "Image",
    opened: OpenRun | None = None,
    asked: AskedImage | None = None,
) -> None:
    """Open the drawer for an image.

    Args:
        row: of the image in the manifest.
        dataset: that it is in.
        page: that the drawer is on.
        gallery_key: of the gallery that gets the keyboard back.
        title: of the drawer.
        opened: the run that looks at it; None without one.
        asked: the query that it is compared with; None without one.
    """

    @st.dialog(title, position="right", on_dismiss=lambda: gallery.focus(gallery_key, str(row)))
    def drawer() -> None:
        _picture(dataset, row)
        if page == "browse":
            _facts(dataset, row)
        if opened is not None and asked is not None and asked.row != row:
            if page in _WITHOUT_QUERY:
                why_near.query(opened, asked)
            why_near.show(row, opened, asked, is_known=page == "browse")
            verdict_buttons.show(opened, _query_sha(asked, opened), opened.text("sha256", row))
        if opened is not None:
            _search(row, page)
            _compare(row, asked, page)

    drawer()


def _picture(dataset: RetrievalDataset, row: int) -> None:
    own = dataset.manifest.iloc[row]
    source = thumb_url(dataset.info.name, str(own["sha256"]), is_large=True)
    name = escape_html(str(own["text"] or own["image_id"]))
    st.html(
        f"<img src='{source}' alt='{name}' style='display:block;width:100%;max-height:20rem;"
        "object-fit:contain;border-radius:.4rem'>"
        f"<div style='font-weight:600;margin-top:.5rem;overflow-wrap:anywhere'>{name}</div>"
    )


def _facts(dataset: RetrievalDataset, row: int) -> None:
    tags = image_tags.read(dataset)[0].get(str(dataset.manifest["sha256"].iloc[row]), ())
    coded = [row in rows for rows in cached.library.coded_rows(dataset.info.name)]
    fact_lines.facts(image_facts.facts(dataset, row, tags, len(coded), sum(coded)))


def _query_sha(asked: AskedImage, opened: OpenRun) -> str:
    if asked.row is not None:
        return opened.text("sha256", asked.row)
    return asked.upload.sha256 if asked.upload else ""


def _search(row: int, page: Page) -> None:
    """A button that searches with this image."""
    is_pressed = st.button(
        "Search with this",
        icon=":material/image_search:",
        type="primary",
        width="stretch",
        on_click=state.choose_query,
        args=(dataset_ref(row),),
    )
    if is_pressed and page == "search":
        st.rerun()
    if is_pressed:
        state.switch_page("explore/search_page.py", q=dataset_ref(row))


def _compare(row: int, asked: AskedImage | None, page: Page) -> None:
    """A button to the page that compares runs: on the query that found the image, or on itself."""
    is_of_query = asked is not None and page in ("search", "failures")
    is_pressed = st.button(
        f"Compare runs on this {'query' if is_of_query else 'image'}",
        icon=":material/compare_arrows:",
        width="stretch",
    )
    if is_pressed:
        state.switch_to_compare(asked.ref if asked and is_of_query else dataset_ref(row))
