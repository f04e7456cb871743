"""Resources of the pages that analyse runs: significance, curves, failures, codes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.services import curves as curve_service
from dashboard.services import run_diff
from dashboard.services.curves import RunCurves
from dashboard.services.findings import standing as find_standing
from dashboard.services.measured_run import MeasuredRun, read_measured
from dashboard.services.resources.library import dataset, datasets, settings
from pipeline.datasets.base import DatasetError
from pipeline.query_curves import QueryCurves
from pipeline.runs import RunError, RunRegistry


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def standing(runs: tuple[str, ...], bits: tuple[int, ...], values: tuple[float, ...]) -> list[str]:
    """How each of some leaderboard rows stands to the best of its code length."""
    rows = pd.DataFrame({"run": runs, "bits": bits, "map": values})
    return find_standing(settings(), rows)


def settings_table(runs: list[str], *, only_differences: bool) -> pd.DataFrame:
    """What was asked of some runs, side by side.

    Raises:
        RunError: one is gone.
    """
    return run_diff.settings_table(settings(), runs, only_differences=only_differences)


def measures_table(runs: list[str]) -> pd.DataFrame:
    """What was measured of some runs, side by side.

    Raises:
        RunError: one is gone.
    """
    return run_diff.measures_table(settings(), runs)


@st.cache_resource(max_entries=4, show_spinner=False)
def _measured(run_id: str, fingerprint: str) -> MeasuredRun:
    name = RunRegistry(settings()).open(run_id).spec.dataset
    return read_measured(run_id, dataset(name), settings())


def measured(run_id: str) -> MeasuredRun:
    """A run's own codes and labels; read again when its data set has other content.

    Raises:
        RunError, DatasetError: they cannot be read, or there are no labels.
    """
    return _measured(run_id, _fingerprint(run_id))


def query_curves(run_id: str) -> QueryCurves:
    """What each query of a run finds at every rank and radius, from its stored codes.

    Raises:
        RunError, DatasetError: the run cannot be read.
    """
    return _query_curves(run_id, _fingerprint(run_id))


@st.cache_resource(max_entries=60, show_spinner=False)
def _query_curves(run_id: str, fingerprint: str) -> QueryCurves:
    return curve_service.measure(measured(run_id))


def _fingerprint(run_id: str) -> str:
    name = RunRegistry(settings()).open(run_id).spec.dataset
    return next((info.fingerprint for info in datasets() if info.name == name), "")


def row_curves(rows: pd.DataFrame) -> list[RunCurves]:
    """The curves of leaderboard rows with all their seeds; unreadable rows are left out."""
    found = []
    for row in rows.to_dict("records"):
        try:
            seeds = tuple(query_curves(run) for run in row["runs"])
        except (RunError, DatasetError):
            continue
        found.append(RunCurves(row["model"], row["method"], int(row["bits"]), seeds))
    return found


def training_table(rows: pd.DataFrame) -> pd.DataFrame:
    """How the loss of leaderboard rows went down."""
    return curve_service.training_table(settings(), rows)
