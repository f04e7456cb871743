"""Pictures of "same kind" and "same thing": what either finds among the user's own images."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import cached
from dashboard.services.thumbs import thumb_url
from pipeline.analysis.kinds_and_things import Example
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.wording import escape_html, escape_markdown

_PICTURE = (
    "width:100%;aspect-ratio:1;object-fit:contain;background:#fff;"
    "border:1px solid var(--st-border-color,#8886);border-radius:.3rem"
)


def show_examples(dataset: str, backbone: str) -> None:
    """Draw what both ends find for a few images of the data set, when it is opened."""
    with st.expander(
        "Examples from your images",
        icon=":material/image_search:",
        key="find_examples_open",
        on_change="rerun",
    ) as opened:
        if not opened.open:
            return
        with st.spinner("Looking for groups among the features ..."):
            found = cached.kinds.examples(dataset, backbone)
        if isinstance(found, str):
            st.caption(escape_markdown(found))
            return
        images = cached.library.dataset(dataset)
        st.html("".join(_strip(one, images) for one in found))
        st.caption(
            "From the features alone, before any training. Same kind: drawn from the group of the "
            "image. Same thing: nearest by the cosine of the features."
        )


def _strip(example: Example, images: RetrievalDataset) -> str:
    def picture(row: int) -> str:
        image = images.manifest.iloc[row]
        source = thumb_url(images.info.name, str(image["sha256"]))
        name = escape_html(str(image["text"] or image["image_id"]))
        return f"<div><img src='{source}' alt='{name}' title='{name}' style='{_PICTURE}'></div>"

    def line(title: str, rows: Sequence[int]) -> str:
        grid = f"display:grid;grid-template-columns:repeat({len(rows)},minmax(0,5.5rem));gap:.35rem"
        return (
            f"<div style='font-size:.8125rem;opacity:.8;margin:.2rem 0'>{title}</div>"
            f"<div style='{grid}'>{''.join(map(picture, rows))}</div>"
        )

    return (
        "<div style='display:flex;gap:1rem;align-items:center;margin-bottom:.8rem'>"
        f"<div style='flex:0 0 5.5rem'>{picture(example.query)}</div>"
        f"<div style='flex:1;min-width:0'>{line('Same kind', example.same_kind)}"
        f"{line('Same thing', example.same_thing)}</div></div>"
    )
