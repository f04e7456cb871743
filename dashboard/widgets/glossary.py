"""The glossary and the keyboard shortcuts, the same on every page."""

from __future__ import annotations

import streamlit as st

_WORDS = {
    "Code": "the bits that a hash method computes from an image.",
    "Distance": "how many bits of two codes differ (Hamming); 11/64 means 11 of 64.",
    "Relaxed code": "the numbers before they are rounded to bits; near 0 a bit is unsure.",
    "Relevant": "an image that shares a label with the query, unless the page says otherwise.",
    "Tie": "images at the same distance; their order carries no information.",
    "Kappa": "agreement of two judges beyond chance: 1 always, 0 as often as by chance.",
    "P@k": "share of relevant images among the first k.",
    "Recall": "share of all relevant images that are found.",
    "AP, mAP": "AP is the mean of the precision at the ranks of a query's relevant images, mAP its "
    "mean over queries. Ties are averaged over all their orders.",
    "Radius, lookup": "all images within a distance, found by looking up nearby codes.",
    "Correlation, r": "how two bits vary together: +1 always equal, −1 always opposite, 0 "
    "unrelated.",
    "Protocol": "which images are queries, database and training set; only runs under the same "
    "protocol are compared.",
    "±": "half of the 95 % interval, over queries or seeds as the page says.",
}
_KEYS = {
    "Tab, Enter": "move to the next control or image; press it.",
    "← → Home End": "move between the images of a gallery.",
    "Esc": "close a drawer or a dialog.",
    "P, N": "Compare: previous query, next query.",
    "1 to 4": "Failures, Review: give the verdict with that number.",
    "1, 2, 3, U": "Judge: relevant, not relevant, unsure; undo.",
}


def show_glossary() -> None:
    """A button in the sidebar that opens it."""
    with st.sidebar:
        box = st.popover(
            "Glossary and shortcuts",
            icon=":material/help:",
            type="tertiary",
            key="glossary",
            on_change="rerun",
        )
    if box.open:
        with box:
            for title, entries in (("Glossary", _WORDS), ("Shortcuts", _KEYS)):
                st.markdown(f"**{title}**")
                st.markdown("\n".join(f"- **{name}**: {text}" for name, text in entries.items()))
