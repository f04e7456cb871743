"""Rankings that a run is not measured in: said where one is chosen, and measured by a button."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from dashboard.services.queries import EncodingError
from pipeline.evaluation.rankings import HAMMING, RANKINGS, ranking_in_words
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.wording import COMMAND, escape_markdown


def show_offer(run_id: str, relevance: str) -> None:
    """The rankings that are missing, with a button each; nothing where none is.

    Args:
        run_id: of the run that is shown.
        relevance: that it is shown by.
    """
    run = RunRegistry(cached.library.settings()).open(run_id)
    missing = [one for one in RANKINGS if (relevance, one) not in run.measurements]
    if not missing:
        return
    wanted = state.ranking()
    if wanted in missing and wanted != HAMMING:
        st.warning(
            escape_markdown(
                f"{run.spec.label} is not measured by {ranking_in_words(wanted)} yet; what is "
                "shown is by Hamming distance."
            ),
            icon=":material/speed:",
        )
        _offer(run, relevance, wanted)
        return
    with st.popover("More rankings", icon=":material/swap_vert:", key="more_rankings"):
        for one in missing:
            st.markdown(escape_markdown(f"Ranked by {ranking_in_words(one)}: not measured."))
            _offer(run, relevance, one)


def _offer(run: Run, relevance: str, ranking: str) -> None:
    key = f"measure_{ranking.partition('@')[0]}"
    if st.button(f"Measure {ranking}", icon=":material/speed:", key=key):
        _measure(run.id, relevance, ranking)
    chosen = f" --relevance {relevance}" if relevance != next(iter(run.relevances), "") else ""
    st.code(f"{COMMAND} evaluate {run.id}{chosen} --ranking {ranking}", language="shell")


def _measure(run_id: str, relevance: str, ranking: str) -> None:
    place = st.empty()

    def show_progress(stage: str, done: int, total: int) -> None:
        place.progress(done / max(total, 1), f"{stage}: {done:,} of {total:,}")

    try:
        cached.networks.measure_ranking(run_id, relevance, ranking, show_progress)
    except EncodingError as error:
        place.error(escape_markdown(str(error)), title="The run cannot be measured so")
        return
    state.choose_conditions(relevance, ranking)
    cached.runs.forget_measures()
    st.rerun()
