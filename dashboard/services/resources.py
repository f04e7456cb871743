"""The only place that builds pipeline objects for pages, with Streamlit's caches around them.

Cached resources are shared by all users: nobody changes them. Only successes are cached, except the
state of an index, which is asked again after a few seconds or on Retry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

import pandas as pd
import streamlit as st

from dashboard.services.ablation import Study, read_studies
from dashboard.services.findings import Finding, leading_gap
from dashboard.services.jobs import Job, JobDetail, list_jobs, open_job, resume
from dashboard.services.leaderboard import (
    Board,
    Comparison,
    comparisons,
    precision_recall,
    read_board,
)
from dashboard.services.open_run import OpenRun, open_run
from dashboard.services.queries import EncodingError, Example, Upload, example_queries
from dashboard.services.runs import (
    IndexState,
    RunChoice,
    dataset_choices,
    index_state,
    run_choices,
)
from dashboard.services.search import Backend
from dashboard.services.status import Overview, read_overview
from dashboard.services.training import Choice, Quote, choices, quote, start
from pipeline.catalog import load_backbone
from pipeline.datasets.base import DatasetInfo, RetrievalDataset, load_dataset
from pipeline.images import load_rgb
from pipeline.indexing import drop_index, index_alias, publish, read_index
from pipeline.runs import RunRegistry
from pipeline.search import Query, encode_image, exact_store, stored_query
from pipeline.settings import Settings
from pipeline.store.base import CodeStore
from pipeline.store.opening import open_store
from pipeline.sweep import Sweep
from pipeline.worker import ensure_worker, is_alive

_STORE_TIMEOUT_S = 5  # a page must not hang on a server that does not answer
_encoding = Lock()  # one image at a time: torch already uses all threads


@st.cache_resource
def settings() -> Settings:
    """The settings of this server."""
    return Settings.from_environment()


@st.cache_resource(on_release=lambda opened_store: opened_store.close())
def store() -> CodeStore:
    """The store that the settings name."""
    at = settings()
    return open_store(
        at.qdrant_url,
        at.index_path,
        at.qdrant_api_key,
        timeout_s=_STORE_TIMEOUT_S,
        check_compatibility=False,  # asks the server at once, in a thread; commands do that
    )


@st.cache_data(ttl=5)
def datasets() -> list[DatasetInfo]:
    """The data sets of the library."""
    return dataset_choices(settings())


def dataset(name: str) -> RetrievalDataset:
    """A data set with its manifest; read again when it has other content.

    Raises:
        DatasetError: it is damaged, or gone.
    """
    found = (info.fingerprint for info in datasets() if info.name == name)
    return _dataset(name, next(found, ""))


@st.cache_resource(max_entries=4, show_spinner=False)
def _dataset(name: str, fingerprint: str) -> RetrievalDataset:
    return load_dataset(name, settings())


@st.cache_data(ttl=5)
def runs(dataset: str) -> list[RunChoice]:
    """The finished runs of a data set, best first."""
    return run_choices(settings(), dataset)


def opened(run_id: str) -> OpenRun:
    """A run with codes and labels; read again when its data set has other content.

    Raises:
        RunError, DatasetError: it cannot be read, or does not fit its data set any more.
    """
    run = RunRegistry(settings()).open(run_id)
    found = (info.fingerprint for info in datasets() if info.name == run.spec.dataset)
    record = read_index(run)
    return _opened(run_id, next(found, ""), record.count if record else 0)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(run_id: str, fingerprint: str, n_published: int) -> OpenRun:
    return open_run(run_id, settings())


@st.cache_data(max_entries=50, show_spinner=False)
def examples(run_id: str) -> list[Example]:
    """Six queries to start with."""
    return example_queries(opened(run_id), settings())


@st.cache_data(ttl=20, show_spinner=False)
def index(run_id: str) -> IndexState:
    """Whether the run's index answers."""
    return index_state(RunRegistry(settings()).open(run_id), store())


def backend(run_id: str) -> Backend:
    """Where to search: the index when it is ready, else the run's own codes."""
    found = index(run_id)
    if found.kind != "ready":
        return _exact_backend(run_id, found)
    return Backend(store(), index_alias(RunRegistry(settings()).open(run_id)), found)


def fall_back(run_id: str, reason: str) -> Backend:
    """The exact backend after the store failed in mid-use; the index is asked again next time."""
    index.clear()
    return _exact_backend(run_id, IndexState("unavailable", reason=reason))


def retry() -> None:
    """Forget what is known about indexes; for a button."""
    index.clear()


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


def publish_run(run_id: str) -> None:
    """Make a run searchable.

    Raises:
        RunError, DatasetError, StoreError: it cannot be done.
    """
    run = RunRegistry(settings()).open(run_id)
    publish(run, load_dataset(run.spec.dataset, settings()), store())
    index.clear()


def drop_index_of(run_id: str) -> None:
    """Remove the index of a run that is about to be deleted."""
    drop_index(RunRegistry(settings()).open(run_id), store())


def forget_status() -> None:
    """Look at everything again; for a button."""
    overview.clear()
    index.clear()


@st.cache_data(ttl=20, show_spinner=False)
def overview() -> Overview:
    """The state of everything."""
    return read_overview(settings(), store())


@st.cache_resource(max_entries=2, show_spinner=False)
def _exact(run_id: str) -> tuple[CodeStore, str]:
    return exact_store(RunRegistry(settings()).open(run_id), opened(run_id).dataset)


def _exact_backend(run_id: str, found: IndexState) -> Backend:
    exact, alias = _exact(run_id)
    return Backend(exact, alias, found)


@st.cache_resource(max_entries=2, show_spinner=False)
def _backbone(name: str, tuned_run: str = "") -> object:
    import torch  # only an upload needs it here

    torch.set_num_threads(settings().threads)
    return (
        RunRegistry(settings()).open(tuned_run).load_backbone()
        if tuned_run
        else load_backbone(name)
    )


@st.cache_resource(max_entries=3, show_spinner=False)
def _method(run_id: str) -> object:
    return RunRegistry(settings()).open(run_id).load_method()


def stored(run_id: str, row: int) -> Query | None:
    """The code that the run stored for an image of its data set; None when it has none."""
    return stored_query(RunRegistry(settings()).open(run_id), row)


def encoded(run_id: str, upload: Upload) -> Query:
    """The code of an uploaded image; loads the network when first needed.

    Raises:
        EncodingError: no usable image, no fitted method, or the network's weights cannot be had.
    """
    try:
        image = load_rgb(upload.content)
        spec = RunRegistry(settings()).open(run_id).spec
        with _encoding:
            backbone = _backbone(spec.backbone, run_id if spec.finetune else "")
            return encode_image(image, backbone, _method(run_id))
    except (RuntimeError, ValueError) as error:  # what image, run and weights raise
        raise EncodingError(str(error)) from error
