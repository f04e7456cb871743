"""A whole HTML page inside a page, in a frame that may run nothing and reach nothing."""

from __future__ import annotations

import streamlit as st

_draw = st.components.v2.component(
    "hashlens_page_preview",
    html="<iframe sandbox></iframe>",
    css="iframe{width:100%;height:40rem;border:1px solid var(--st-border-color);background:#fff}",
    js="""
export default ({ parentElement, data }) => {
  const frame = parentElement.querySelector("iframe")
  frame.title = data.title
  if (frame.srcdoc !== data.page) frame.srcdoc = data.page
}
""",
)


def show_preview(page: str, title: str) -> None:
    """Frame with an HTML page.

    Args:
        page: the HTML.
        title: of the frame, for those who cannot see it.
    """
    _draw(key="page_preview", data={"page": page, "title": title})
