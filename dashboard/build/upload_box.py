"""A box that takes an archive or a folder of any size, to the server's disk, not into memory."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_draw = st.components.v2.component(
    "hashlens_upload_box",
    html=(
        "<label class='box'><input type='file' accept='.zip,.tar,.tgz,.gz,.bz2,.xz'>"
        "<strong>Drop a zip or tar here, or browse</strong>"
        "<span class='note'></span><progress max='1' hidden></progress></label>"
        "<label class='folder'><input type='file' webkitdirectory>Or choose a folder</label>"
    ),
    css=(_HERE / "upload_box.css").read_text("utf-8"),
    js=(_HERE / "upload_box.js").read_text("utf-8"),
)


def show_upload_box(token: str, limit_gb: float, uploaded: str) -> None:
    """Draw the box; the page runs again when an upload has ended.

    Args:
        token: of the place that the upload goes to.
        limit_gb: most that is taken.
        uploaded: name of the file that is there already; empty for none.
    """
    _draw(
        key="upload_box_archive",
        data={"token": token, "limit": limit_gb * 1e9, "uploaded": uploaded},
        on_uploaded_change=lambda: None,
    )
