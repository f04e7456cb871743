"""Judging rounds: a pool that hides the runs, a draw that can be repeated, rounds that resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.analysis.judging import (
    changes_since,
    judge,
    judge_name,
    progress_of,
    verdicts_of,
)
from pipeline.analysis.judging_rounds import (
    DEPTH,
    JudgingRound,
    RoundError,
    find_round,
    list_rounds,
    start_round,
    unreadable_rounds,
)
from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index.cosine import cosine_of
from pipeline.index.ordering import Ordering, find_shortlist, rows_of, sort_hits
from pipeline.index.search import exact_store, stored_query
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from tests.factories import copied_library, spec


@pytest.fixture(scope="module")
def two_runs(library: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The library with a second run; not to be changed."""
    home = copied_library(library.home, tmp_path_factory.mktemp("two") / "library")
    settings = Settings(home=home, threads=1)
    execute(RunRegistry(settings).create(spec(method="lsh", bits=8)), settings)
    return settings


@pytest.fixture
def own(two_runs: Settings, tmp_path: Path) -> Settings:
    return Settings(home=copied_library(two_runs.home, tmp_path / "own"), threads=1)


@pytest.fixture
def dataset(own: Settings) -> RetrievalDataset:
    return load_dataset("shapes", own)


def runs(settings: Settings) -> list[str]:
    return [run.id for run in RunRegistry(settings).all()]


def digests(dataset: RetrievalDataset) -> set[str]:
    return set(dataset.manifest["sha256"])


@pytest.fixture
def judged(own: Settings, dataset: RetrievalDataset) -> JudgingRound:
    return start_round(dataset, runs(own), own, n_queries=3, seed=1)


def test_a_round_holds_what_search_shows_first(
    own: Settings, dataset: RetrievalDataset, judged: JudgingRound
):
    row_of = {digest: row for row, digest in enumerate(dataset.manifest["sha256"])}

    for place, judged_run in enumerate(judged.runs):
        run = RunRegistry(own).open(judged_run.id)
        store, alias = exact_store(run, dataset, "all")
        cosine = cosine_of(run, dataset, own, run.load_backbone)
        for query in judged.queries:
            row = row_of[query.query]
            stored = stored_query(run, row)
            assert stored is not None
            ordering = Ordering(cosine.values(cosine.of_row(row)))
            found = find_shortlist(store, alias, stored.code, ordering, limit=25)
            hits = [hit for hit in found.result.hits if hit.payload["row"] != row]
            shown = rows_of([hits[at] for at in sort_hits(hits, ordering).places[:DEPTH]])
            assert [row_of[digest] for digest in query.results[place]] == shown.tolist()
    assert not any(run.problem for run in judged.runs)


def test_queries_belong_to_every_run_and_are_none_of_the_results(
    own: Settings, dataset: RetrievalDataset, judged: JudgingRound
):
    for run in judged.runs:
        held_out = dataset.manifest["sha256"].iloc[
            RunRegistry(own).open(run.id).load_codes("query")[1]
        ]
        assert {query.query for query in judged.queries} <= set(held_out)
    for query in judged.queries:
        assert query.query not in query.pool
        assert len(query.pool) == len(set(query.pool)) >= DEPTH
    assert judged.labels == "class"


def test_a_draw_is_repeated_by_its_seed(own: Settings, dataset: RetrievalDataset):
    first, again, other = (
        start_round(dataset, runs(own), own, n_queries=4, seed=seed) for seed in (3, 3, 4)
    )

    assert first.queries == again.queries != other.queries
    assert len({first.id, again.id, other.id}) == 3


def test_the_order_of_results_says_nothing_about_runs_and_differs_by_judge(
    own: Settings, dataset: RetrievalDataset, judged: JudgingRound
):
    swapped = judged.model_copy(
        update={
            "queries": tuple(
                query.model_copy(update={"results": query.results[::-1]})
                for query in judged.queries
            )
        }
    )
    ann, again, other_way, bob = (
        progress_of(one, name, digests(dataset), own).pairs
        for one, name in ((judged, "Ann"), (judged, "Ann"), (swapped, "Ann"), (judged, "Bob"))
    )

    assert ann == again == other_way
    assert ann != bob
    assert set(ann) == set(bob) == set(judged.pairs)
    assert [query for query, _ in ann] == [query for query, _ in bob]  # one query after another


def test_a_round_resumes_where_its_judge_stopped_and_takes_back(
    own: Settings, dataset: RetrievalDataset, judged: JudgingRound
):
    first, second, third = progress_of(judged, "Ann", digests(dataset), own).left[:3]
    judge(judged, "Ann", first, "relevant", own)
    judge(judged, "Ann", second, "unsure", own)
    stored = find_round(judged.id, own)  # another day

    progress = progress_of(stored, "Ann", digests(dataset), own)
    assert (progress.left[0], progress.last) == (third, second)
    assert progress_of(stored, "Bob", digests(dataset), own).last is None

    judge(stored, "Ann", second, None, own)
    progress = progress_of(stored, "Ann", digests(dataset), own)
    assert (progress.left[0], progress.last) == (second, first)

    for pair in progress.left:
        judge(stored, "Ann", pair, "not relevant", own)
    progress = progress_of(stored, "Ann", digests(dataset), own)
    assert (progress.left, progress.n_queries_done) == ((), 3)
    assert Verdicts.of("shapes", "class", own).current() == {}  # marks of Search are others


def test_what_is_no_answer_of_the_round_is_refused(own: Settings, judged: JudgingRound):
    pair = judged.pairs[0]
    with pytest.raises(RoundError, match="no such pair"):
        judge(judged, "Ann", (pair[0], "0" * 64), "relevant", own)
    with pytest.raises(RoundError, match=r"unknown answer 'label error'\. Known: relevant"):
        judge(judged, "Ann", pair, "label error", own)
    with pytest.raises(RoundError, match="1 to 40 characters, got ''"):
        judge(judged, "", pair, "relevant", own)

    assert verdicts_of(judged, own) == {}


def test_a_name_is_kept_as_it_was_first_spelled():
    assert judge_name("  Ann   Lee ") == "Ann Lee"
    assert judge_name("ann", ("Bob", "Ann")) == "Ann"
    assert judge_name("x" * 50) == "x" * 40
    assert judge_name(" ") == ""


def test_a_deleted_run_is_said_and_its_results_are_judged_all_the_same(
    own: Settings, dataset: RetrievalDataset, judged: JudgingRound
):
    assert changes_since(judged, dataset, own) == []
    registry = RunRegistry(own)
    registry.delete(registry.open(judged.runs[0].id))

    [change] = changes_since(judged, dataset, own)

    assert change.startswith("1 of the 2 runs was deleted.")
    assert progress_of(judged, "Ann", digests(dataset), own).n_gone == 0


def test_images_that_are_gone_are_left_out_and_counted(
    own: Settings, dataset: RetrievalDataset, judged: JudgingRound
):
    gone = judged.queries[0].query
    info = dataset.info.model_copy(update={"fingerprint": "0" * 64})
    other = RetrievalDataset(info, dataset.manifest, dataset.folder)

    [change] = changes_since(judged, other, own)
    progress = progress_of(judged, "Ann", digests(dataset) - {gone}, own)

    assert change.startswith("The data set was imported again with other content")
    assert progress.n_gone == sum(gone in pair for pair in judged.pairs)
    assert not any(gone in pair for pair in progress.pairs)


def test_a_run_without_features_says_so_and_is_ordered_by_id(
    own: Settings, dataset: RetrievalDataset
):
    for path in own.features_path.rglob("*"):
        if path.is_file() and path.name != "about.json":
            path.unlink()

    judged = start_round(dataset, runs(own), own, n_queries=2, seed=1)

    assert all("no stored features" in run.problem for run in judged.runs)
    assert all(len(ranking) == DEPTH for query in judged.queries for ranking in query.results)


@pytest.mark.parametrize(
    ("n_runs", "n_queries", "reason"),
    [
        (1, 2, "2 to 5 different runs, got 1"),
        (2, 0, "has 1 to 8 queries, got 0"),
        (2, 9, "has 1 to 8 queries, got 9"),
    ],
)
def test_a_round_that_cannot_be_is_refused(
    two_runs: Settings, n_runs: int, n_queries: int, reason: str
):
    dataset = load_dataset("shapes", two_runs)
    with pytest.raises(RoundError, match=reason):
        start_round(dataset, runs(two_runs)[:n_runs], two_runs, n_queries=n_queries)
    with pytest.raises(RoundError, match="got 2 \\(1 different\\)"):
        start_round(dataset, runs(two_runs)[:1] * 2, two_runs)
    with pytest.raises(RunError, match="unknown run"):
        start_round(dataset, [*runs(two_runs)[:1], "no-such-run"], two_runs)

    assert list_rounds("shapes", two_runs) == []


def test_runs_without_a_common_query_are_refused(own: Settings, dataset: RetrievalDataset):
    run = RunRegistry(own).all()[0]
    codes, rows = run.load_codes("query")
    run.save_codes("query", codes, np.setdiff1d(np.arange(len(dataset)), rows)[: len(rows)])

    with pytest.raises(RoundError, match="no query in common"):
        start_round(dataset, runs(own), own, n_queries=1)


def test_a_damaged_file_is_named_and_costs_itself_only(own: Settings, judged: JudgingRound):
    path = own.home / "judging" / "shapes" / "0badf00d.json"
    path.write_text('{"id": "0badf00d"')

    assert [one.id for one in list_rounds("shapes", own)] == [judged.id]
    assert list(unreadable_rounds("shapes", own)) == ["0badf00d.json"]
    with pytest.raises(RoundError, match="round 0badf00d is damaged"):
        find_round("0badf00d", own)
    with pytest.raises(RoundError, match="unknown round 'other'"):
        find_round("other", own)
    with pytest.raises(RoundError, match="no name of a data set"):
        list_rounds("../x", own)


def test_a_round_bears_the_name_that_its_data_set_has_now(own: Settings, judged: JudgingRound):
    (own.home / "judging" / "shapes").rename(own.home / "judging" / "forms")

    assert [one.dataset for one in list_rounds("forms", own)] == ["forms"]
    assert find_round(judged.id, own).dataset == "forms"
