"""Around a judging round: all rounds of a data set, a new one, a link for others, what changed."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from dashboard import access, cached, state
from dashboard.evaluate import judge_state
from dashboard.evaluate.judge_state import JUDGING, RESULT, ROUNDS
from dashboard.services.run_choices import RunChoice, rival_of
from dashboard.widgets import notices
from dashboard.widgets.recommended_training import show_recommended
from pipeline.analysis.judging import changes_since, judge_name, verdicts_of
from pipeline.analysis.judging_rounds import (
    DEPTH,
    FEWEST_RUNS,
    MOST_RUNS,
    QUESTION,
    JudgingRound,
    RoundError,
    list_rounds,
    start_round,
    unreadable_rounds,
)
from pipeline.datasets.dataset import DatasetInfo, RetrievalDataset
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.wording import escape_markdown, plural

_NAME_HELP = "Your judgements are stored under it, so that you can stop and resume at any time."
_LONGEST = {"name": 40, "question": 200}


def show_rounds(info: DatasetInfo) -> None:
    """The rounds of a data set with the progress of each judge; ways into each."""
    st.caption(
        "People say which results they would accept, one picture after another, without knowing "
        "which run found it. This decides between runs where there are no labels, or where labels "
        "are doubted."
    )
    settings = cached.library.settings()
    for name, reason in unreadable_rounds(info.name, settings).items():
        notices.problem(
            "A round cannot be read.",
            reason=f"{name}: {reason}",
            works="The other rounds are listed.",
            todo="Restore the file from a backup, or remove it.",
            key=f"damaged_{name}",
        )
    for judged in list_rounds(info.name, settings):
        with st.container(border=True, key=f"round_{judged.id}"):
            left, right = st.columns([3, 2], vertical_alignment="center")
            with left:
                _facts(judged)
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                _button("Judge", ":material/gavel:", judged, JUDGING)
                _button("Result", ":material/leaderboard:", judged, RESULT)


def show_new(info: DatasetInfo) -> None:
    """A form that starts a round, or why there can be none."""
    runs = cached.library.runs(info.name)
    if len(runs) < FEWEST_RUNS:
        st.info(f"A round compares two finished runs or more; there is {len(runs) or 'none'}.")
        show_recommended(info)
        return
    st.subheader("New round", anchor=False)
    labels = {run.id: run.label for run in runs}
    with st.form("new_round"):
        chosen = st.multiselect(
            "Runs",
            list(labels),
            default=_default_runs(runs),
            format_func=labels.__getitem__,
            max_selections=MOST_RUNS,
            help="Judges do not see their names.",
        )
        left, middle, right = st.columns(3)
        n_queries = left.number_input(
            "Queries", 1, 10_000, 20, help="Drawn at random from the query sets of all runs."
        )
        name = middle.text_input(
            "Name of the round", max_chars=_LONGEST["name"], placeholder="Round 1, 2, …"
        )
        judge = right.text_input("Your name", judge_state.judge(), max_chars=40, help=_NAME_HELP)
        question = st.text_input("Question", QUESTION, max_chars=_LONGEST["question"])
        st.caption(
            f"Each query takes {DEPTH} judgements where all runs find the same, and up to {DEPTH} "
            "more per further run."
        )
        if st.form_submit_button("Start the round", icon=":material/play_arrow:", type="primary"):
            _start(info, chosen, int(n_queries), name, question, judge_name(judge))


def show_join(judged: JudgingRound) -> None:
    """Ask who judges; for those who follow a link."""
    known = tuple(verdicts_of(judged, cached.library.settings()))
    st.subheader(escape_markdown(judged.name), anchor=False)
    st.markdown(
        f"{plural(len(judged.queries), 'query')} with {plural(len(judged.pairs), 'result')} to "
        "judge. Every judgement is stored at once; resume whenever you like."
    )
    with st.form("join"):
        typed = st.text_input("Your name", max_chars=40, help=_NAME_HELP)
        if known:
            st.caption(escape_markdown(f"Judged so far: {', '.join(known)}. Resume by your name."))
        if st.form_submit_button("Start judging", icon=":material/play_arrow:", type="primary"):
            if not (name := judge_name(typed, known)):
                st.error("Type your name first.")
                return
            judge_state.go(JUDGING, judged.id, name)
            st.rerun()


def show_actions(judged: JudgingRound) -> None:
    """Buttons beside the title: back to all rounds, and a link for other judges."""
    st.button("All rounds", icon=":material/arrow_back:", on_click=judge_state.go, args=(ROUNDS,))
    with st.popover("Invite", icon=":material/person_add:"):
        st.markdown("Others judge the same results in an order of their own, by this link:")
        chosen = {
            state.DATASET: judged.dataset,
            judge_state.VIEW: JUDGING,
            judge_state.ROUND: judged.id,
        }
        st.code(f"{st.context.url}?{urlencode(chosen)}", language=None, wrap_lines=True)


def show_changes(judged: JudgingRound, dataset: RetrievalDataset) -> None:
    """Say what is different since the round was made; else nothing."""
    for change in changes_since(judged, dataset, cached.library.settings()):
        st.info(escape_markdown(change))


def _facts(judged: JudgingRound) -> None:
    verdicts = verdicts_of(judged, cached.library.settings())
    n_pairs = len(judged.pairs)
    judges = [f"{judge} {len(given):,} of {n_pairs:,}" for judge, given in verdicts.items()]
    st.markdown(f"**{escape_markdown(judged.name)}**")
    facts = (
        f"{plural(len(judged.queries), 'query')} · {len(judged.runs)} runs · "
        f"{judged.created[:16].replace('T', ' ')} UTC · {', '.join(judges) or 'not judged yet'}"
    )
    st.caption(escape_markdown(facts))


def _button(label: str, icon: str, judged: JudgingRound, view: str) -> None:
    st.button(
        label,
        icon=icon,
        key=f"{view}_{judged.id}",
        on_click=judge_state.go,
        args=(view, judged.id),
    )


def _default_runs(runs: list[RunChoice]) -> list[str]:
    """The run of the sidebar, and the best that was measured like it; else the first other one."""
    ids = {run.slug: run.id for run in runs}
    first = state.run() or runs[0].id
    settings = cached.library.settings()
    try:
        rival = rival_of(RunRegistry(settings).open(first), runs, settings).best
    except RunError:  # deleted a moment ago
        rival = ""
    return [first, ids.get(rival) or next(run.id for run in runs if run.id != first)]


def _start(
    info: DatasetInfo, runs: list[str], n_queries: int, name: str, question: str, judge: str
) -> None:
    access.require("reviewer")
    if not judge:
        st.error("Type your name first.")
        return
    dataset, settings = cached.library.dataset(info.name), cached.library.settings()
    try:
        with st.spinner("Searching"):
            judged = start_round(
                dataset, runs, settings, n_queries=n_queries, name=name, question=question
            )
    except (RoundError, RunError, OSError) as error:
        st.error(escape_markdown(f"The round was not started: {error}."))
        return
    judge_state.go(JUDGING, judged.id, judge)
    st.rerun()
