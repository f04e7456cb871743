"""Pairs of images side by side, each with a sentence that says what they have in common."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.services.imports import ImagePair
from pipeline.wording import escape_html, plural

_FEW = 6
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(min(15rem,100%),1fr));gap:1rem"
_PICTURE = (
    "width:100%;aspect-ratio:1;object-fit:contain;background:#fff;"
    "border:1px solid var(--st-border-color,#8886);border-radius:.4rem"
)


def show_pairs(pairs: Sequence[ImagePair]) -> None:
    """Draw a few pairs, and the others in an expander."""
    _draw(pairs[:_FEW])
    if rest := pairs[_FEW:]:
        with st.expander(f"{plural(len(rest), 'more pair')}", icon=":material/compare:"):
            _draw(rest)


def _draw(pairs: Sequence[ImagePair]) -> None:
    st.html(f"<div style='{_GRID}'>{''.join(map(_pair, pairs))}</div>")


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
