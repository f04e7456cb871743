"""The search service against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.services.queries import example_queries, row_of_ref
from dashboard.services.run_choices import IndexState
from dashboard.services.search import (
    Answer,
    Backend,
    QueryImage,
    Request,
    answer,
    bit_string,
    passes,
)
from pipeline.analysis.opened_run import OpenRun, open_run
from pipeline.analysis.query_quality import is_relevant
from pipeline.index.search import exact_store, stored_query
from pipeline.index.store.base import StoreError, StoreUnavailable
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import half_labelled, spec


@pytest.fixture
def run(settings: Settings) -> Run:
    return next(run for run in RunRegistry(settings).all() if run.spec.method == "itq")


@pytest.fixture
def opened(run: Run, settings: Settings) -> OpenRun:
    return open_run(run.id, settings)


@pytest.fixture
def backend(run: Run, opened: OpenRun) -> Backend:
    return Backend(*exact_store(run, opened.dataset, "database"), IndexState("missing"))


def ask(run: Run, row: int) -> QueryImage:
    query = stored_query(run, row)
    assert query is not None
    return QueryImage(query, "name", row)


def never(reason: str) -> Backend:
    raise AssertionError(reason)


def results(found: Answer) -> list:
    return [one for group in found.groups for one in group.results]


def test_hits_groups_and_judgement_agree_with_counting(run, opened, backend):
    row = int(opened.query_rows[0])
    found = answer(opened, ask(run, row), Request(limit=20), backend, never)

    distances = opened.query_codes[[0]].hamming(opened.database_codes)[0]
    is_relevant = opened.labels[opened.database_rows] @ opened.labels[row]
    assert [one.distance for one in results(found)] == sorted(distances)[:20]
    assert [one.rank for one in results(found)] == list(range(1, 21))
    assert [group.total for group in found.groups] == [
        int((distances == group.distance).sum()) for group in found.groups
    ]
    assert found.judgement.ball_size == (distances <= 2).sum()
    assert found.judgement.ball_relevant == is_relevant[distances <= 2].sum()
    assert found.judgement.n_relevant == is_relevant.sum() == 16
    assert found.judgement.precision_100 is None  # only 48 images
    assert found.nearest == distances.min()
    assert found.histogram["images"].sum() == found.n_database == 48
    last = sorted(distances)[19]
    assert found.is_tie_cut == bool((distances <= last).sum() > 20)


def test_a_query_from_the_database_is_left_out_of_its_own_results(run, opened, backend):
    row = int(opened.database_rows[3])

    found = answer(opened, ask(run, row), Request(limit=48), backend, never)

    assert row not in [one.row for one in results(found)]
    assert len(results(found)) == found.n_database == 47


def test_relevance_filter_keeps_the_ranks(run, opened, backend):
    row = int(opened.query_rows[0])
    everything = results(answer(opened, ask(run, row), Request(limit=30), backend, never))

    found = answer(
        opened, ask(run, row), Request(limit=30, relevance="not relevant"), backend, never
    )

    assert [one.rank for one in results(found)] == [
        one.rank for one in everything if not one.relevant
    ]
    assert found.n_found == 30


@pytest.mark.parametrize(
    "asked_for",
    [
        {"max_distance": 5, "is_ball": True},
        {"max_distance": 5},
        {"max_distance": 12, "text": "stripes"},
    ],
)
def test_all_images_within_a_distance_are_counted_not_those_shown(run, opened, backend, asked_for):
    row = int(opened.query_rows[0])
    request = Request(limit=3, **asked_for)

    found = answer(opened, ask(run, row), request, backend, never)

    distances = opened.query_codes[[0]].hamming(opened.database_codes)[0]
    expected = int((passes(opened, request) & (distances <= request.max_distance)).sum())
    assert found.n_found == 3 < expected == found.n_within


def test_an_unlabelled_query_has_no_marks_and_no_judgement(run, opened, backend):
    row = int(opened.query_rows[0])
    asked = QueryImage(stored_query(run, row), "upload", None)

    found = answer(opened, asked, Request(), backend, never)

    assert found.judgement is None
    assert {one.relevant for one in results(found)} == {None}
    assert set(found.histogram["relevance"]) == {"unknown"}


def test_a_query_far_from_everything_is_unusual(run, opened, backend):
    row = int(opened.query_rows[0])
    nearest = opened.query_codes.hamming(opened.database_codes).min(axis=1)
    assert opened.usual_nearest == np.percentile(nearest, 99, method="higher")
    opened.__dict__["usual_nearest"] = -1

    assert answer(opened, ask(run, row), Request(), backend, never).is_unusual


def test_a_store_that_fails_in_the_middle_is_replaced(run, opened, backend):
    class Broken:
        def search(self, *_: object) -> object:
            raise StoreUnavailable("gone")

    broken = Backend(Broken(), "alias", IndexState("ready", 48))
    reasons = []

    def fall_back(error: StoreError) -> Backend:
        reasons.append(str(error))
        return backend

    found = answer(opened, ask(run, int(opened.query_rows[0])), Request(), broken, fall_back)

    assert reasons == ["gone"]
    assert found.index.kind == "missing"
    assert results(found)


def test_examples_are_six_different_queries_of_the_query_set(opened, settings):
    found = example_queries(opened, settings)

    assert len({one.row for one in found}) == 6
    assert {one.row for one in found} <= set(opened.query_rows.tolist())
    assert len({one.label for one in found[:3]}) == 3


@pytest.mark.parametrize(
    "ref", ["", "ds:", "ds:-1", "ds:60", "ds:1e3", "up:0123", "ds:12345678901"]
)
def test_malformed_query_names_are_refused(opened, ref):
    assert row_of_ref(ref, opened) is None


def test_query_names_are_rows(opened):
    assert row_of_ref("ds:59", opened) == 59


def test_a_bit_string_has_a_letter_for_each_bit(run, opened):
    row = int(opened.query_rows[0])

    assert set(bit_string(stored_query(run, row))) <= {"0", "1"}
    assert len(bit_string(stored_query(run, row))) == 12


def test_everything_in_the_index_is_found_without_the_query(run, opened):
    row = int(opened.query_rows[0])
    backend = Backend(*exact_store(run, opened.dataset), IndexState("missing"))

    found = answer(opened.searched, ask(run, row), Request(limit=200), backend, never)

    rows = {one.row for one in results(found)}
    assert rows == set(range(len(opened.dataset))) - {row}
    assert found.n_database == 59
    only = Request(limit=200, split="query")
    queries = answer(opened.searched, ask(run, row), only, backend, never)
    assert {one.row for one in results(queries)} == {*opened.query_rows.tolist()} - {row}
    assert opened.searched.usual_nearest == opened.usual_nearest  # queries are not their own


def test_results_without_a_label_are_unknown_and_count_as_neither(tmp_path):
    settings = Settings(home=tmp_path / "home", threads=1)
    half_labelled(tmp_path / "halves", settings)
    run = RunRegistry(settings).create(spec(dataset="halves"))
    execute(run, settings)
    opened = open_run(run.id, settings).searched
    row = int(opened.query_rows[0])
    backend = Backend(*exact_store(run, opened.dataset), IndexState("missing"))

    found = answer(opened, ask(run, row), Request(limit=200), backend, never)

    marks = {one.row: one.relevant for one in results(found)}
    assert {row: mark is None for row, mark in marks.items()} == {
        row: not opened.labels[row].any() for row in marks
    }
    first = [one.relevant for one in results(found)[:10]]
    assert found.n_unknown_10 == first.count(None) > 0
    assert found.precision_10 == first.count(True) / (10 - first.count(None))
    counts = found.histogram.groupby("relevance")["images"].sum()
    assert counts["unknown"] == 20
    assert found.judgement.precision_100 is None  # 19 others have a label
    assert found.judgement.n_relevant == counts["relevant"]
    near = [one for one in results(found) if one.distance <= 2]
    assert found.judgement.ball_size == sum(one.relevant is not None for one in near) < len(near)
    shown = answer(
        opened, ask(run, row), Request(limit=200, relevance="not relevant"), backend, never
    )
    assert len(results(shown)) == counts["not relevant"]
    unlabelled = next(row for row, mark in marks.items() if mark is None)
    assert is_relevant(opened, row, unlabelled) is None
    assert is_relevant(opened, unlabelled, row) is None
