"""What a tab has chosen on Judge: a round, who judges, and what is shown; all in the address."""

from __future__ import annotations

import streamlit as st

from dashboard import cached, state
from pipeline.analysis.judging_rounds import JudgingRound, list_rounds
from pipeline.datasets.dataset import DatasetInfo

ROUNDS, JUDGING, RESULT = "rounds", "judging", "result"
ROUND, JUDGE, VIEW = "round", "judge", "judge_view"


def chosen_round(info: DatasetInfo) -> JudgingRound | None:
    """The round on screen; None where all rounds are listed."""
    chosen = _read(ROUND)
    if _read(VIEW, JUDGING if chosen else ROUNDS) == ROUNDS:
        return None
    rounds = {judged.id: judged for judged in list_rounds(info.name, cached.library.settings())}
    if chosen not in rounds:
        st.info("The round in this link was deleted, or is of another data set.")
        go(ROUNDS)
        return None
    return rounds[chosen]


def judge() -> str:
    """Name of who judges in this tab; empty for nobody so far."""
    return _read(JUDGE)


def view() -> str:
    """What is shown of the round: `JUDGING` or `RESULT`."""
    return str(st.session_state.get(VIEW, JUDGING))


def go(view: str, round_id: str = "", judge: str | None = None) -> None:
    """Show something else when the page is drawn next.

    Args:
        view: what.
        round_id: of which round.
        judge: who judges from now on; None: as before.
    """
    chosen = {VIEW: view, ROUND: round_id} | ({} if judge is None else {JUDGE: judge})
    st.session_state.update(chosen)
    st.query_params.update({name: value or [] for name, value in chosen.items()})


def _read(name: str, default: str = "") -> str:
    linked = state.from_address(name, st.session_state.get(name))
    if linked is not None or name not in st.session_state:
        st.session_state[name] = linked or default
    if chosen := str(st.session_state[name]):
        state.write_address(name, chosen)
    return chosen
