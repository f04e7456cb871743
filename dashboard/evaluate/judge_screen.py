"""The screen of a judge: the query, one result, and a key per answer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import access, cached
from dashboard.evaluate import judge_state
from dashboard.evaluate.judge_state import RESULT
from dashboard.services.thumbs import thumb_url
from dashboard.widgets.fragments import isolated_fragment
from pipeline.analysis.judging import ANSWERS, Progress, progress_of
from pipeline.analysis.judging import judge as store_answer
from pipeline.analysis.judging_rounds import JudgingRound
from pipeline.annotations.verdicts import Pair, Word
from pipeline.wording import escape_markdown, plural

_CSS = Path(__file__).parents[1] / "assets" / "judge.css"
_ICONS = {
    "relevant": ":material/check:",
    "not relevant": ":material/close:",
    "unsure": ":material/question_mark:",
}
_AHEAD = 6  # pictures that the browser loads before they are shown


def show_screen(judged: JudgingRound, judge: str, known: frozenset[str]) -> None:
    """The next picture to judge, or the end of the round.

    Args:
        judged: the round.
        judge: who judges.
        known: SHA-256 of the images that the data set has.
    """
    st.html(_CSS)
    _next_picture(judged, judge, known)


@isolated_fragment()
def _next_picture(judged: JudgingRound, judge: str, known: frozenset[str]) -> None:
    progress = progress_of(judged, judge, known, cached.library.settings())
    seen_last = st.container()  # whoever sees the next picture can answer: its keys are there
    if progress.left:
        _answers(judged, judge, progress.left[0])
    else:
        _end(judged, progress)
    _undo(judged, judge, progress)
    with seen_last:
        _bar(progress)
        if progress.left:
            _picture(judged, progress)


def _bar(progress: Progress) -> None:
    n_done, n_pairs = len(progress.pairs) - len(progress.left), len(progress.pairs)
    n_queries = len({query for query, _ in progress.pairs})
    st.progress(
        n_done / max(n_pairs, 1),
        f"{n_done:,} of {n_pairs:,} results judged · {progress.n_queries_done:,} of "
        f"{plural(n_queries, 'query')} done",
    )
    if progress.n_gone:
        st.caption(f"{plural(progress.n_gone, 'result')} cannot be judged: an image is gone.")


def _picture(judged: JudgingRound, progress: Progress) -> None:
    query, result = progress.left[0]
    ahead = {digest for pair in progress.left[1:_AHEAD] for digest in pair} - {query, result}
    loading = "".join(f"<img src='{_source(judged, digest)}' alt=''>" for digest in sorted(ahead))
    st.html(
        "<div class='judging'>"
        f"<figure><figcaption>Query</figcaption><img src='{_source(judged, query)}' alt='query'>"
        f"</figure><figure><figcaption>Result</figcaption><img src='{_source(judged, result)}' "
        f"alt='result'></figure></div><div hidden>{loading}</div>"
    )


def _source(judged: JudgingRound, digest: str) -> str:
    return thumb_url(judged.dataset, digest, is_large=True)


def _answers(judged: JudgingRound, judge: str, pair: Pair) -> None:
    st.markdown(f"**{escape_markdown(judged.question)}**")
    with st.container(horizontal=True, key="answers", gap="small"):
        for number, word in enumerate(ANSWERS, 1):
            st.button(
                word.capitalize(),
                icon=_ICONS[word],
                # Of this pair: a second press before the next picture cannot judge that unseen.
                key=f"answer_{number}_{pair[0][:12]}_{pair[1][:12]}",
                on_click=_store,
                args=(judged, judge, pair, word),
                shortcut=str(number),
                width="stretch",
            )


def _undo(judged: JudgingRound, judge: str, progress: Progress) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Undo",
            icon=":material/undo:",
            on_click=_store,
            args=(judged, judge, progress.last, None),
            shortcut="U",
            disabled=progress.last is None,
            help="Takes back the last judgement.",
            key="undo",
        )
        st.caption(escape_markdown(f"{judge}, {judged.name}. Stored at once; resume at any time."))


def _end(judged: JudgingRound, progress: Progress) -> None:
    words = [verdict.verdict for verdict in progress.verdicts.values()]
    counts = ", ".join(f"{words.count(word):,} {word}" for word in ANSWERS)
    st.success(
        f"You have judged all {plural(len(progress.pairs), 'result')}: {counts}.",
        icon=":material/task_alt:",
    )
    if st.button("See the result", icon=":material/leaderboard:", type="primary"):
        judge_state.go(RESULT, judged.id)
        st.rerun()


def _store(judged: JudgingRound, judge: str, pair: Pair, answer: Word | None) -> None:
    access.require("reviewer")
    try:
        store_answer(judged, judge, pair, answer, cached.library.settings())
    except OSError as error:
        st.toast(f"The judgement was not stored: {error.strerror}", icon=":material/error:")
