"""What was measured: boards, ablation studies, findings, curves."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.cached.library import settings
from pipeline.analysis.ablation_studies import Study, read_studies
from pipeline.analysis.curves import precision_recall
from pipeline.analysis.leaderboard import Board, Comparison, comparisons, read_board
from pipeline.analysis.significance_findings import Finding, leading_gap


@st.cache_data(ttl=5, show_spinner=False)
def boards(dataset: str) -> list[Comparison]:
    """What can be compared on a data set, most runs first."""
    return comparisons(settings(), dataset)


@st.cache_data(ttl=5, max_entries=20, show_spinner=False)
def board(comparison: Comparison) -> Board:
    """The leaderboard of one comparison."""
    return read_board(settings(), comparison)


@st.cache_data(ttl=30, max_entries=20, show_spinner=False)
def studies(comparison: Comparison) -> list[Study]:
    """The ablation studies of one comparison."""
    return read_studies(settings(), comparison)


def finding(rows: pd.DataFrame) -> Finding | None:
    """What a leaderboard shows, in a sentence."""
    return leading_gap(settings(), rows)


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """PR curves of the runs of some leaderboard rows."""
    return precision_recall(settings(), rows)
