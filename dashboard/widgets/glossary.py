"""What the words on the pages mean, and which keys work where; the same on every page."""

from __future__ import annotations

import streamlit as st

_WORDS = {
    "Code": "the bits that a hash method makes of an image.",
    "Distance": "how many bits of two codes differ (Hamming); 11/64 means 11 of 64.",
    "Relaxed code": "the numbers before they are rounded to bits; near 0 a bit is unsure.",
    "Relevant": "an image that shares a label with the query, unless the page says otherwise.",
    "Tie": "images at the same distance; their order says nothing.",
    "P@k": "share of relevant images among the first k.",
    "Recall": "share of all relevant images that are found.",
    "AP, mAP": "mean precision at the ranks of the relevant images of one query; its mean over "
    "queries. Ties count as the mean over their orders.",
    "Radius, lookup": "all images within a distance, found by looking up nearby codes.",
    "Correlation, r": "of two bits over images: +1 always alike, −1 always opposite, 0 unrelated.",
    "Protocol": "which images are queries, database and training set; only runs under the same "
    "protocol are compared.",
    "±": "half of the 95 % interval, over queries or seeds as the page says.",
}
_KEYS = {
    "Tab, Enter": "to the next control or image; press it.",
    "← → Home End": "from image to image inside a gallery.",
    "Esc": "closes a drawer or a box.",
    "P, N": "Compare: the query before, the next.",
    "1 to 4": "Failures, Review: the verdict of that number.",
}


def show() -> None:
    """A button in the sidebar that opens it."""
    with st.sidebar:
        box = st.popover(
            "Words and keys",
            icon=":material/help:",
            type="tertiary",
            key="glossary",
            on_change="rerun",
        )
    if box.open:
        with box:
            for title, entries in (("Words", _WORDS), ("Keys", _KEYS)):
                st.markdown(f"**{title}**")
                st.markdown("\n".join(f"- **{name}**: {text}" for name, text in entries.items()))
