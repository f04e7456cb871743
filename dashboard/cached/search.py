"""A run opened for search: its codes, its index, and the codes of queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.cached.library import datasets, runs, settings, store
from dashboard.services import search
from dashboard.services.comparing import Groups, groups
from dashboard.services.permalink import stored_query
from dashboard.services.queries import Example, example_queries, preview
from dashboard.services.run_choices import IndexState, index_state, unavailable
from dashboard.services.search import Answer, Backend, QueryImage, Request
from pipeline.analysis import single_bits
from pipeline.analysis.aligned_bits import Aligned, align
from pipeline.analysis.code_map import CodeMap, read_map
from pipeline.analysis.opened_run import OpenRun, open_run
from pipeline.index.built_from import check_built_from
from pipeline.index.coverage import Images
from pipeline.index.ordering import Ordering
from pipeline.index.publish import index_alias, read_index
from pipeline.index.search import exact_store, reads_code_files
from pipeline.index.store.base import CodeStore, StoreError
from pipeline.logs import about
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.watch.measures import counted_search


def _content(run: OpenRun) -> tuple[str, str, int]:
    """What a cache knows an open run by; a refresh adds images to it."""
    return run.id, run.dataset.info.fingerprint, len(run.database_rows)


_FAILED_S = 20.0  # for so long an index that failed is not asked again
HASHED: dict[str | type, Callable[[Any], Any]] = {OpenRun: _content}  # for caches of open runs


def opened(run_id: str) -> OpenRun:
    """A run with codes and labels; read again when its data set has other content.

    Raises:
        RunError, DatasetError: it cannot be read, or does not fit its data set any more.
    """
    run = RunRegistry(settings()).open(run_id)
    fingerprints = (info.fingerprint for info in datasets() if info.name == run.spec.dataset)
    record = read_index(run)
    covered = (record.images, record.count) if record else ("all", 0)
    return _opened(run_id, next(fingerprints, ""), covered)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(run_id: str, fingerprint: str, covered: tuple[str, int]) -> OpenRun:
    return open_run(run_id, settings())


@st.cache_data(max_entries=50, show_spinner=False)
def examples(run_id: str) -> list[Example]:
    """Six queries to start with."""
    return example_queries(opened(run_id), settings())


def index(run_id: str) -> IndexState:
    """Whether the run's index answers; one that did not is asked again after a while."""
    return _failure(run_id) or _index(run_id)


@st.cache_data(ttl=5, show_spinner=False)
def _index(run_id: str) -> IndexState:
    try:
        run = RunRegistry(settings()).open(run_id)
    except RunError as error:  # deleted a moment ago
        return IndexState("missing", reason=str(error))
    state = index_state(run, store())
    if state.kind == "unavailable":
        _note_failure(run_id, state)
    return state


@st.cache_resource
def _failures() -> dict[str, tuple[float, IndexState]]:
    """By run when its index last failed, and how; setting an item is one step."""
    return {}


def _note_failure(run_id: str, state: IndexState) -> None:
    _failures()[run_id] = time.monotonic(), state


def _failure(run_id: str) -> IndexState | None:
    when, state = _failures().get(run_id, (-_FAILED_S, None))
    return state if time.monotonic() - when < _FAILED_S else None


def backend(run_id: str) -> Backend:
    """Where to search: the index when it is ready and no slower, else the run's own codes."""
    state = index(run_id)
    if state.kind != "ready":
        return _exact_backend(run_id, state)
    run = RunRegistry(settings()).open(run_id)
    record = read_index(run)
    if record and reads_code_files(record, store()):
        return _exact_backend(run_id, state)
    return Backend(store(), index_alias(run), state)


def fall_back(run_id: str, error: StoreError) -> Backend:
    """Draw the page again after the store failed in mid-use, so that all of it says so.

    A callback cannot; it gets the exact backend.
    """
    _note_failure(run_id, state := unavailable(error))
    _draw_again()
    return _exact_backend(run_id, state)


def answer(
    run: OpenRun, query: QueryImage, request: Request, ordering: Ordering | None = None
) -> Answer:
    """Search the run's index, or its own codes when that fails or covers other images.

    Args:
        run: that is searched, with what is searched as its database.
        query: the query.
        request: what is asked for.
        ordering: what to sort by beside the distance; None: nothing.
    """
    is_indexed = len(run.database_rows) == len(run.searched_rows)
    chosen = backend(run.id) if is_indexed else _database_backend(run)
    with about(run=run.id), counted_search("page", query.kind) as outcome:
        answered = search.answer(
            run, query, request, chosen, lambda why: fall_back(run.id, why), ordering
        )
        is_indexed = answered.index.kind == "ready"
        outcome.is_fallback, outcome.search_s = not is_indexed, answered.search_s
    if is_indexed:
        _successes()["last"] = time.time()
    return answered


def since(
    version: str, run: OpenRun, shown: Answer, request: Request, ordering: Ordering | None = None
) -> Groups | None:
    """Results beside those of a version of the index that is kept for rolling back.

    Args:
        version: for example `v2`.
        run: that is searched.
        shown: what is on screen.
        request: what was asked for.
        ordering: what results are sorted by beside the distance; None: nothing.

    Returns:
        None when that version is gone or does not fit, or no index gave the results.
    """
    collection = f"{index_alias(run.run)}__{version}"
    if shown.index.kind != "ready":
        return None
    try:
        check_built_from(run.run, store().info(collection))
        kept = Backend(store(), collection, shown.index)
        then = search.answer(run, shown.query, request, kept, _refuse, ordering)
    except (StoreError, RunError, OSError):
        return None
    return groups(shown, then)


def _draw_again() -> None:
    st.rerun()  # returns within a callback, whatever its type says


def _refuse(error: StoreError) -> Backend:
    raise error


def since_last_success() -> float | None:
    """Seconds since an index last answered anybody's search; None: never since the start."""
    last = _successes().get("last")
    return None if last is None else max(0.0, time.time() - last)  # clocks are set back at times


@st.cache_resource
def _successes() -> dict[str, float]:
    """When an index last answered, for all tabs; one item, since setting it is one step."""
    return {}


def retry() -> None:
    """Forget what is known about runs and indexes: the next page reads them again."""
    runs.clear()
    forget_indexes()


def forget_indexes() -> None:
    """Ask the store about every index again."""
    _failures().clear()
    _index.clear()


@st.cache_resource(max_entries=2, show_spinner=False, hash_funcs=HASHED)
def _exact(run: OpenRun, images: Images | None = None) -> tuple[CodeStore, str]:
    return exact_store(run.run, run.dataset, images)


def _exact_backend(run_id: str, state: IndexState) -> Backend:
    exact, alias = _exact(opened(run_id).searched)
    return Backend(exact, alias, state)


def _database_backend(run: OpenRun) -> Backend:
    exact, alias = _exact(run, "database")
    return Backend(exact, alias, IndexState("missing", reason="The index covers other images."))


@st.cache_data(max_entries=100, show_spinner=False)
def saved_preview(ref: str) -> str:
    """A small version of a saved query, as a data address; empty when it is gone or damaged."""
    upload = stored_query(ref, settings())
    return "" if upload is None else preview(upload, 96)


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs=HASHED)
def bit_table(run: OpenRun) -> pd.DataFrame:
    """Every bit of a run: balance, twin, label."""
    return single_bits.bit_table(run)


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=HASHED)
def code_map(run: OpenRun) -> CodeMap:
    """The distinct codes of a run on a plane; a second the first time."""
    return read_map(run)


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs=HASHED)
def aligned(run: OpenRun, other: OpenRun) -> Aligned:
    """The bits of a run and their counterparts in another.

    Raises:
        ValueError: the runs have no image in common.
    """
    return align(run, other)
