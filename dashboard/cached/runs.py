"""Runs: methods to train, runs as they are now, what was measured, and the server's state."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import access
from dashboard.cached.library import datasets, runs, settings, store
from dashboard.cached.search import forget_indexes
from dashboard.services.comparing import why_not
from dashboard.services.run_rows import RunRow, list_runs, resume
from dashboard.services.status import Overview, damaged_runs, read_overview
from dashboard.services.training_plan import Choice, choices
from pipeline.analysis.ablation_studies import Study, read_studies
from pipeline.analysis.comparisons import Comparison, comparisons, comparisons_of
from pipeline.analysis.leaderboard import Leaderboard, read_leaderboard
from pipeline.datasets.dataset import DatasetInfo
from pipeline.evaluation.rankings import HAMMING
from pipeline.evaluation.relevance import OF_QUERIES
from pipeline.index.coverage import Images
from pipeline.index.index_features import KeptFeatures
from pipeline.index.index_jobs import Action, request
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from pipeline.worker import ensure_worker, is_alive


@st.cache_data(ttl=10, show_spinner=False)
def methods(info: DatasetInfo, label_set: str) -> dict[str, list[Choice]]:
    """All methods, by supervision, and which of them the data set can serve."""
    return choices(settings(), info, label_set)


@st.cache_data(ttl=0.8, show_spinner=False)
def jobs() -> list[RunRow]:
    """All runs as they are now; tabs that poll share one look."""
    return list_runs(settings())


@st.cache_data(ttl=5, show_spinner=False)
def unreadable_runs() -> dict[str, str]:
    """Why a run cannot be read in full, by its id."""
    return damaged_runs(settings())


def change_run(run_id: str, how: Callable[[Settings, str], None]) -> None:
    """Stop, resume or delete a run.

    Raises:
        RunError: it cannot be done now; the message says why.
    """
    access.require("operator")
    how(settings(), run_id)
    if how is resume:
        ensure_worker(settings())
    jobs.clear()
    runs.clear()


def change_index(
    run_id: str, action: Action, images: Images = "all", features: KeptFeatures = "none"
) -> bool:
    """Ask for a change of a run's index; says whether a worker will do it.

    Args:
        run_id: of the run.
        action: what is wanted.
        images: which images the index covers, where it is to be published.
        features: what it keeps beside the codes, where it is to be published.

    Raises:
        RunError: no such run.
    """
    access.require("operator")
    request(RunRegistry(settings()).open(run_id), action, images, features)
    ensure_worker(settings())
    forget_indexes()
    return is_alive(settings())


@st.cache_data(ttl=5, show_spinner=False)
def boards(
    dataset: str,
    relevances: tuple[str, ...] = OF_QUERIES,
    rankings: tuple[str, ...] = (HAMMING,),
) -> list[Comparison]:
    """What can be compared on a data set by some relevances and rankings, most runs first."""
    return comparisons(settings(), dataset, relevances, rankings)


@st.cache_data(ttl=5, max_entries=100, show_spinner=False)
def measured_in(runs: tuple[str, ...], relevance: str = "", ranking: str = "") -> list[Comparison]:
    """The comparisons that some runs were measured in, each once.

    Args:
        runs: their ids.
        relevance: of runs that were measured by several; empty: the default of each.
        ranking: of runs that were ranked in several ways; empty: by Hamming distance.
    """
    return comparisons_of(settings(), runs, relevance, ranking or HAMMING)


def forget_measures() -> None:
    """Read again what runs were measured by, after one was measured."""
    for one in (board, boards, measured_in):
        one.clear()


@st.cache_data(ttl=10, max_entries=50, show_spinner=False)
def incomparable(run_id: str, others: tuple[str, ...]) -> dict[str, str]:
    """Why some of the other runs cannot be compared with a run, by id; those that can left out.

    Raises:
        RunError: the run is gone.
    """
    registry = RunRegistry(settings())
    run = registry.open(run_id)
    info = next(info for info in datasets() if info.name == run.spec.dataset)
    reasons = {}
    for other in others:
        try:
            reason = why_not(run, registry.open(other), info)
        except RunError as error:  # deleted a moment ago
            reason = str(error)
        if reason:
            reasons[other] = reason
    return reasons


@st.cache_data(ttl=5, max_entries=20, show_spinner=False)
def board(comparison: Comparison) -> Leaderboard:
    """The leaderboard of one comparison."""
    return read_leaderboard(settings(), comparison)


@st.cache_data(ttl=30, max_entries=20, show_spinner=False)
def studies(comparison: Comparison) -> list[Study]:
    """The ablation studies of one comparison."""
    return read_studies(settings(), comparison)


@st.cache_data(ttl=20, show_spinner=False)
def overview() -> Overview:
    """The state of store, indexes, data sets, disk and worker, for the Status page."""
    return read_overview(settings(), store())


def forget_status() -> None:
    """Look at everything again; for a button."""
    overview.clear()
    forget_indexes()
