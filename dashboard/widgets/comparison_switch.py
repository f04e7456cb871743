"""The one switch of protocol and relevance, the same on every evaluating page.

It follows the run of the sidebar and leads it: choosing other labels chooses a run that was
measured on them. So the numbers of all pages, and the one in the sidebar, belong together.
"""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.widgets import notices, recommended_training
from pipeline.analysis.comparisons import Comparison
from pipeline.analysis.opened_run import OpenRun
from pipeline.datasets.class_counts import labelled_words
from pipeline.datasets.dataset import DatasetError
from pipeline.evaluation.rankings import HAMMING, RANKINGS
from pipeline.evaluation.relevance import LABELS, OF_QUERIES
from pipeline.wording import escape_markdown

_KEY = "protocol"
_HELP = (
    "Numbers of different protocols or relevances are not comparable, so they are never mixed. "
    "Choosing another one also chooses a run that was measured under it, on all pages."
)


def choose_comparison(
    dataset: str,
    relevances: tuple[str, ...] = OF_QUERIES,
    rankings: tuple[str, ...] = (HAMMING,),
) -> Comparison:
    """The comparison that the chosen run belongs to; where none was measured stop the page.

    Args:
        dataset: whose runs are compared.
        relevances: that the page can show; by default those with the queries of the split.
        rankings: that the page can show; by default by Hamming distance alone.
    """
    found = cached.runs.boards(dataset, relevances, rankings)
    if not found:
        st.subheader("No run on this data set has been measured", anchor=False)
        st.markdown(
            "Runs are measured by labels that tell images apart, or else by the nearest images of "
            "their features, once they are trained."
        )
        recommended_training.show_recommended(notices.chosen_dataset())
        st.stop()
    return _switch(dataset, found, relevances, rankings)


def show_switch(dataset: str, rankings: tuple[str, ...] = RANKINGS) -> None:
    """Draw the switch of a page of one run, with the queries of the split."""
    if found := cached.runs.boards(dataset, OF_QUERIES, rankings):
        _switch(dataset, found, OF_QUERIES, rankings)


def _chosen(wanted: str, known: tuple[str, ...]) -> str:
    """What this tab has chosen where it is known to the page; empty for the default of a run."""
    return wanted if wanted in known else ""


def _switch(
    dataset: str,
    found: list[Comparison],
    relevances: tuple[str, ...],
    rankings: tuple[str, ...],
) -> Comparison:
    """Draw the switch, or the one comparison that there is; returns the one that is chosen."""
    own = cached.runs.measured_in(
        (state.run() or "",),
        _chosen(state.relevance(), relevances),
        _chosen(state.ranking(), rankings),
    )
    current = next((one for one in found if one in own), found[0])
    state.write_conditions()
    if len(found) == 1:
        label = escape_markdown(f"protocol {current.label}")
        st.badge(label, icon=":material/rule:", color="blue", help=current.sentence)
        return current
    st.session_state[_KEY] = current.label
    is_ranked = any(one.ranking != HAMMING for one in found)
    st.selectbox(
        "Protocol, relevance and ranking" if is_ranked else "Protocol and relevance",
        [one.label for one in found],
        key=_KEY,
        on_change=_follow,
        args=(found,),
        help=_HELP,
        width=360,
    )
    return current


def conditions(run: OpenRun, ranking: str = HAMMING) -> str:
    """Protocol, relevance and ranking behind the numbers of a run, and how many have a label.

    Empty where it was not measured.
    """
    own = cached.runs.measured_in((run.id,), _chosen(state.relevance(), OF_QUERIES), ranking)
    known = [one.sentence for one in own]
    is_by_labels = any(one.relevance == LABELS for one in own)
    words = labelled_words(run.dataset, run.label_set) if is_by_labels else ""
    return " ".join([*known, f"{words}."] if words else known)


def partly_labelled(comparison: Comparison) -> str:
    """How many images have a label that a comparison is measured on, as Markdown; empty for all."""
    if comparison.relevance != LABELS:
        return ""
    try:
        dataset = cached.library.dataset(comparison.dataset)
        words = labelled_words(dataset, dataset.label_set(comparison.label_set))
    except DatasetError:  # gone, or without labels by now
        return ""
    return f" {escape_markdown(words)}." if words else ""


def _follow(found: list[Comparison]) -> None:
    """Choose a run of the chosen comparison: the same method and length if there is one."""
    label = st.session_state[_KEY]
    chosen = next(one for one in found if one.label == label)
    state.choose_conditions(chosen.relevance, chosen.ranking)
    rows = cached.runs.board(chosen).rows
    slugs = {run.id: run.slug for run in cached.library.runs(chosen.dataset)}
    rows = rows[rows["run"].isin(slugs)]
    if rows.empty:
        return  # deleted a moment ago
    method, _, bits = str(st.session_state.get(state.RUN, "")).partition("-")
    alike = rows[(rows["method"] == method) & (rows["bits"].astype(str) == bits.split("b-")[0])]
    state.choose_run(slugs[(alike if len(alike) else rows)["run"].iloc[0]])
