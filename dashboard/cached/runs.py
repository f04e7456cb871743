"""Training and what it leaves: methods, plans, jobs, and publishing their codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import streamlit as st

from dashboard.cached.library import runs, settings, store
from dashboard.cached.search import index
from dashboard.services.run_choices import IndexView
from dashboard.services.run_choices import index_view as read_index_view
from dashboard.services.run_rows import Job, JobDetail, list_jobs, open_job, resume
from dashboard.services.training_plan import Choice, Quote, choices, quote, start
from pipeline.datasets.dataset import DatasetInfo, load_dataset
from pipeline.index.index_jobs import Action, request, verify, waiting
from pipeline.runs.registry import RunRegistry
from pipeline.runs.sweep import Sweep
from pipeline.settings import Settings
from pipeline.worker import ensure_worker, is_alive


@st.cache_data(ttl=10, show_spinner=False)
def methods(info: DatasetInfo, label_set: str) -> dict[str, list[Choice]]:
    """All methods, by supervision, and which of them the data set can serve."""
    return choices(settings(), info, label_set)


def quoted(asked: Mapping[str, object]) -> Quote:
    """A plan for the Train page, checked by the pipeline, and its price."""
    return quote(settings(), asked)


def started(sweep: Sweep) -> tuple[str, int]:
    """Queue a plan; the name of the sweep and how many runs are new."""
    return start(settings(), sweep)


@st.cache_data(ttl=0.8, show_spinner=False)
def jobs() -> list[Job]:
    """All runs as they are now; tabs that poll share one look."""
    return list_jobs(settings())


@st.cache_data(ttl=5, show_spinner=False)
def unreadable_runs() -> dict[str, str]:
    """Why a run, or its report, cannot be read, by the run's id."""
    return RunRegistry(settings()).unreadable()


def is_busy(found: Iterable[Job]) -> bool:
    """Whether any of these runs, or an index, may change by itself."""
    return any(one.is_live for one in found) or bool(waiting(settings()))


def job(run_id: str) -> JobDetail:
    """One run in full.

    Raises:
        RunError: it is gone, or damaged.
    """
    return open_job(settings(), run_id)


def has_worker() -> bool:
    """Whether someone executes what is queued."""
    return is_alive(settings())


def change_run(run_id: str, how: Callable[[Settings, str], None]) -> None:
    """Stop, resume or delete a run.

    Raises:
        RunError: it cannot be done now; the message says why.
    """
    how(settings(), run_id)
    if how is resume:
        ensure_worker(settings())
    jobs.clear()
    runs.clear()


def index_view(run_id: str) -> IndexView:
    """Where a run is published, what waits and what came of the last request."""
    return read_index_view(RunRegistry(settings()).open(run_id))


def change_index(run_id: str, action: Action) -> bool:
    """Ask for a change of a run's index; says whether a worker will do it.

    Raises:
        RunError: no such run.
    """
    request(RunRegistry(settings()).open(run_id), action)
    ensure_worker(settings())
    index.clear()
    return is_alive(settings())


def verify_index(run_id: str) -> str:
    """Compare a run's live index with its codes, and those with its images, in a sentence.

    Raises:
        RunError: it is not published, or has no usable network.
        DatasetError: its data set is gone.
        ImageError: an image is gone or has changed.
        StoreError: they differ, or the store does not answer.
    """
    run = RunRegistry(settings()).open(run_id)
    return verify(run, load_dataset(run.spec.dataset, settings()), store())
