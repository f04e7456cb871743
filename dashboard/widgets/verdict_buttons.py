"""Buttons that mark a result as relevant or not, whatever its labels say, and take that back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard import access, cached
from pipeline.analysis.opened_run import OpenRun
from pipeline.annotations.verdicts import Verdicts, Word
from pipeline.wording import escape_markdown

_WORDS: dict[Word, str] = {"relevant": "Mark right", "not relevant": "Mark wrong"}
_ICONS = {"relevant": ":material/thumb_up:", "not relevant": ":material/thumb_down:"}


def show_verdict_buttons(opened: OpenRun, query: str, result: str) -> None:
    """Buttons that judge a result; for a drawer, and for reviewers.

    Args:
        opened: the run that is looked at.
        query: SHA-256 of the query image.
        result: SHA-256 of the image found.
    """
    if not query or not access.may("reviewer"):
        return
    verdicts = Verdicts.of(
        opened.dataset.info.name, opened.label_set_name, cached.library.settings()
    )
    verdict = verdicts.current().get((query, result))
    if verdict is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(f"Marked {verdict.verdict}", icon=_ICONS.get(verdict.verdict), color="blue")
            if st.button("Undo", icon=":material/undo:", key="verdict_undo"):
                _act(lambda: verdicts.withdraw_verdict(query, result))
        return
    note = st.text_input("Note", key="verdict_note", placeholder="optional", max_chars=200)
    with st.container(horizontal=True):
        for word, label in _WORDS.items():
            if st.button(label, icon=_ICONS[word], key=f"verdict_{word}"):
                _act(partial(verdicts.set_verdict, query, result, word, note, opened.id))


def _act(change: Callable[[], object]) -> None:
    access.require("reviewer")
    try:
        change()
    except OSError as error:
        st.error(escape_markdown(f"The verdict was not stored: {error.strerror}"))
        return
    st.rerun(scope="fragment")
