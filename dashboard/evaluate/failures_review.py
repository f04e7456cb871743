"""Review of failures: one query after another, a verdict each, and what they say about the mAP."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import access, cached
from dashboard.evaluate import failures_parts
from dashboard.services import review as review_service
from dashboard.services.review import WORDS, Review
from dashboard.widgets import report_button
from dashboard.widgets.report_button import Entry
from pipeline.analysis.failures import Failures
from pipeline.analysis.opened_run import OpenRun
from pipeline.annotations.verdicts import Word
from pipeline.wording import escape_markdown, plural

_NOTE = "review_note"
_EXPLAINED = {
    "model error": "The label is right, the results are not.",
    "label error": "The label of the query is wrong.",
    "acceptable": "A person would accept these results.",
    "unsure": "You cannot tell.",
}


def show_review(run: OpenRun, failures: Failures) -> None:
    """The review as it stands, the next query, and its buttons."""
    review = cached.analysis.review(run.id)
    n_done = len(review.verdicts)
    st.progress(n_done / max(len(review.places), 1), f"{n_done} of {len(review.places)} reviewed")
    _numbers(review, run)
    place = review.next_place
    if place is None:
        st.success("The review is complete.", icon=":material/task_alt:")
    else:
        _ask(run, failures, place)
    if review.verdicts:
        _undo(run, review)


def _numbers(review: Review, run: OpenRun) -> None:
    if review.corrected is None:
        st.caption(
            f"{plural(len(review.places), 'query')} drawn evenly from the quarter of the queries "
            f"with the lowest AP ({review.n_failures}). Verdicts are stored at once, so you can "
            "leave the review and resume it later."
        )
        return
    low, high = 100 * review.corrected.low, 100 * review.corrected.high
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.metric(
        "mAP without label errors",
        f"{100 * review.corrected.mean:.1f} %",
        f"{100 * (review.corrected.mean - review.raw):+.1f} points",
        delta_color="off",
        help="Leaves out queries with a wrong label, whose number is estimated from the verdicts.",
    )
    counts = pd.DataFrame({"Verdict": WORDS, "Queries": [review.count(word) for word in WORDS]})
    sentence = (
        f"mAP as measured {100 * review.raw:.1f} %, without label errors "
        f"{100 * review.corrected.mean:.1f} % (95 % interval {low:.1f} to {high:.1f}), from "
        f"{plural(len(review.verdicts), 'verdict')}: "
        + ", ".join(f"{n} {word}" for word, n in counts.itertuples(index=False))
        + "."
    )
    with right:
        st.markdown(escape_markdown(sentence))
        report_button.show_report_button(
            Entry(f"Review of failures of {run.label}", finding=sentence, runs=(run.id,)),
            counts,
            key="review",
        )


def _ask(run: OpenRun, failures: Failures, place: int) -> None:
    failures_parts.detail(run, failures, place, is_review=True)

    def set_verdict(word: Word) -> None:
        access.require("reviewer")
        note = str(st.session_state.get(_NOTE, ""))
        try:
            review_service.set_verdict(run, place, word, note, cached.library.settings())
        except OSError as error:
            st.toast(f"The verdict cannot be stored: {error.strerror}", icon=":material/error:")
            return
        st.session_state[_NOTE] = ""

    st.text_input("Note", key=_NOTE, max_chars=2000, placeholder="optional")
    with st.container(horizontal=True, key="verdicts"):
        for number, word in enumerate(WORDS, 1):
            st.button(
                word.capitalize(),
                key=f"verdict_{number}",
                on_click=set_verdict,
                args=(word,),
                help=f"{_EXPLAINED[word]} Key {number}.",
                shortcut=str(number),
            )


def _undo(run: OpenRun, review: Review) -> None:
    """Withdraws the last verdict, and lists all."""
    last = max(review.verdicts, key=lambda place: review.verdicts[place].time)

    def withdraw_verdict() -> None:
        access.require("reviewer")
        try:
            review_service.withdraw_verdict(run, last, cached.library.settings())
        except OSError as error:
            st.toast(f"The verdict cannot be withdrawn: {error.strerror}", icon=":material/error:")

    st.button("Undo the last verdict", icon=":material/undo:", on_click=withdraw_verdict)
    with st.expander("Verdicts", icon=":material/list:"):
        rows = [
            (", ".join(run.label_names(int(run.query_rows[place]))), verdict.verdict, verdict.note)
            for place, verdict in review.verdicts.items()
        ]
        st.dataframe(
            pd.DataFrame(rows, columns=["Query", "Verdict", "Note"]),
            hide_index=True,
            key="said",
            alt="Verdicts of this review.",
        )
