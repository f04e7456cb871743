"""Pairs of images side by side, each with a sentence that says what they have in common."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.services.imports import ImagePair
from pipeline.wording import escape_html, plural

_PICTURE = (
    "width:100%;aspect-ratio:1;object-fit:contain;background:#fff;"
    "border:1px solid var(--st-border-color,#8886);border-radius:.4rem"
)


def show_pairs(pairs: Sequence[ImagePair], *, few: int = 6, width_rem: int = 15) -> None:
    """Draw a few pairs, and the others in an expander; nothing where there are none.

    Args:
        pairs: what to draw.
        few: pairs outside the expander.
        width_rem: least width of a pair.
    """
    if not pairs:
        return
    _draw(pairs[:few], width_rem)
    if rest := pairs[few:]:
        with st.expander(f"{plural(len(rest), 'more pair')}", icon=":material/compare:"):
            _draw(rest, width_rem)


def _draw(pairs: Sequence[ImagePair], width_rem: int) -> None:
    columns = f"repeat(auto-fill,minmax(min({width_rem}rem,100%),1fr))"
    grid = f"display:grid;grid-template-columns:{columns};gap:1rem"
    st.html(f"<div style='{grid}'>{''.join(map(_pair, pairs))}</div>")


def _pair(pair: ImagePair) -> str:
    pictures = "".join(
        "<div style='flex:1;min-width:0'>"
        f"<img src='{source}' alt='{escape_html(name)}' style='{_PICTURE}'>"
        "<div style='font-size:.8125rem;overflow-wrap:anywhere'>"
        f"{f'<b>{escape_html(part)}</b><br>' if part else ''}"
        f"<span style='opacity:.75'>{escape_html(name)}</span></div></div>"
        for source, name, part in zip(pair.sources, pair.names, pair.parts, strict=True)
    )
    return (
        "<figure style='margin:0'>"
        f"<figcaption style='font-weight:600;font-size:.875rem;margin-bottom:.35rem'>"
        f"{escape_html(pair.sentence)}</figcaption>"
        f"<div style='display:flex;gap:.5rem'>{pictures}</div></figure>"
    )
