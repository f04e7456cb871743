"""Everything imported is found: indexes of half-labelled, unlabelled, grown and earlier runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import WeightsError
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.files import write_atomic
from pipeline.index.coverage import in_words, searched_codes
from pipeline.index.index_jobs import change, request, requested, verify
from pipeline.index.payloads import splits_of_rows
from pipeline.index.publish import IndexRecord, publish, read_index, roll_back, write_index
from pipeline.index.publish_best import request_best, serve_best
from pipeline.index.refresh import encode_what_can_be, refresh
from pipeline.index.search import exact_store, searchable, stored_query
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.ingest.add_images import add_images
from pipeline.ingest.source import Item, Source
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import half_labelled, png, spec, unlabelled


@pytest.fixture
def store() -> MemoryCodeStore:
    return MemoryCodeStore()


@pytest.fixture
def halves(settings: Settings, tmp_path: Path) -> RetrievalDataset:
    return half_labelled(tmp_path / "halves", settings)


def executed(settings: Settings, **changes: object) -> Run:
    run = RunRegistry(settings).create(spec(**{"dataset": "halves", **changes}))
    execute(run, settings)
    return run


def rows_found(store: MemoryCodeStore, alias: str, run: Run) -> list[int]:
    hits = store.search(alias, run.load_codes("query")[0][[0]], 1000).hits
    return sorted(int(str(hit.payload["row"])) for hit in hits)


def test_of_a_half_labelled_set_all_images_are_found_and_the_labelled_are_measured(
    settings: Settings, halves: RetrievalDataset, store: MemoryCodeStore
) -> None:
    run = executed(settings)

    record = publish(run, halves, store)

    assert rows_found(store, record.alias, run) == list(range(40))
    assert (record.count, record.images) == (40, "all")
    report = run.report()
    assert report.n_query + report.n_database == 20
    has_label = np.array([bool(n) for n in halves.label_names(halves.label_set())])
    measured = np.concatenate([run.load_codes(part)[1] for part in ("query", "database")])
    assert has_label[measured].all()
    assert not has_label[run.load_codes("others")[1]].any()
    assert verify(run, halves, store).startswith("40 codes as in the run")


def test_images_without_a_label_train_what_needs_none(
    settings: Settings, halves: RetrievalDataset
) -> None:
    unsupervised, supervised = executed(settings), executed(settings, method="dfadh", config={})

    assert unsupervised.status().n_unlabelled == 20
    assert supervised.status().n_unlabelled == 0
    rows = np.arange(40)
    has_label = np.array([bool(n) for n in halves.label_names(halves.label_set())])
    assert set(splits_of_rows(unsupervised, halves, rows)[~has_label]) == {"train"}
    assert set(splits_of_rows(supervised, halves, rows)[~has_label]) == {"unlabelled"}
    queries = unsupervised.load_codes("query")[1]
    assert set(splits_of_rows(unsupervised, halves, queries)) == {"query"}


def test_a_run_of_an_earlier_version_did_not_train_on_them(
    settings: Settings, halves: RetrievalDataset
) -> None:
    run = executed(settings)
    run.update(n_unlabelled=0)  # as its status, which has no such field, is read

    assert set(splits_of_rows(run, halves, np.arange(40))) >= {"unlabelled", "train", "query"}


def test_of_an_unlabelled_set_all_images_are_found(
    settings: Settings, store: MemoryCodeStore
) -> None:
    unlabelled(settings)
    run, dataset = (
        executed(settings, dataset="bare", label_set=""),
        load_dataset("bare", settings),
    )

    record = publish(run, dataset, store)

    assert rows_found(store, record.alias, run) == list(range(30))
    assert run.relevances == ["neighbours@10"]
    assert set(splits_of_rows(run, dataset, np.arange(30))) == {"train", "query"}


def test_the_database_alone_is_found_when_that_was_asked_for(
    settings: Settings, halves: RetrievalDataset, store: MemoryCodeStore
) -> None:
    run = executed(settings)
    everything = publish(run, halves, store)

    fewer = publish(run, halves, store, images="database")

    database = run.load_codes("database")[1].tolist()
    assert rows_found(store, fewer.alias, run) == database
    exact, alias = exact_store(run, halves)
    assert rows_found(exact, alias, run) == database  # the code file covers what the index does
    assert refresh(run, halves, store, settings) == (0, fewer)
    assert verify(run, halves, store).startswith(f"{len(database)} codes as in the run")
    assert roll_back(run, store) == everything
    assert refresh(run, halves, store, settings) == (0, everything)


def test_going_back_without_a_note_asks_the_store_which_images_it_covers(
    settings: Settings, halves: RetrievalDataset, store: MemoryCodeStore
) -> None:
    run = executed(settings)
    fewer = publish(run, halves, store, images="database")
    publish(run, halves, store)
    (run.folder / "index-before.json").unlink()

    assert roll_back(run, store) == fewer


def test_an_index_of_an_earlier_version_opens_as_one_of_the_database(
    done_run: Run, own_library: Settings, store: MemoryCodeStore
) -> None:
    dataset = load_dataset("shapes", own_library)
    record = publish(done_run, dataset, store, images="database")
    old = json.loads(record.model_dump_json(exclude={"images", "parts"}))
    write_atomic(done_run.folder / "index.json", json.dumps(old))

    read = read_index(done_run)

    assert read is not None
    assert read.images == "database"
    assert searchable(done_run, dataset, store) == (store, record.alias, "")
    assert verify(done_run, dataset, store).startswith(f"{record.count} codes as in the run")
    assert refresh(done_run, dataset, store, own_library)[1] == read


def test_images_that_an_earlier_version_left_out_are_encoded_when_it_is_published(
    settings: Settings, halves: RetrievalDataset
) -> None:
    run = executed(settings)
    codes, rows = run.load_codes("others")
    (run.folder / "codes" / "others.npz").unlink()

    message = change(run, "publish", settings)

    assert "40 codes in" in message
    assert message.endswith("all 40 imported images")
    again, rows_again = run.load_codes("others")
    assert rows_again.tolist() == rows.tolist()
    assert (again.packed == codes.packed).mean() > 0.9  # another batch may round another way


@pytest.mark.parametrize("has_features", [True, False])
def test_without_the_network_cached_features_serve_or_it_is_said_what_is_missing(
    settings: Settings,
    halves: RetrievalDataset,
    store: MemoryCodeStore,
    monkeypatch: pytest.MonkeyPatch,
    has_features: bool,
) -> None:
    def missing(name: str, settings: Settings) -> None:
        raise WeightsError(f"the weights of {name} are not here")

    run = executed(settings)
    (run.folder / "codes" / "others.npz").unlink()
    monkeypatch.setattr("pipeline.index.reencoding.load_backbone", missing)
    if not has_features:
        for path in settings.features_path.glob("*/keys.bin"):
            path.write_bytes(b"")

    problem = encode_what_can_be(run, halves, settings)
    record = publish(run, halves, store)

    if has_features:
        assert (problem, record.count) == ("", 40)
    else:
        assert problem.startswith("20 images cannot be encoded and are not in the index")
        assert "the weights of tiny are not here" in problem
        assert record.count == 20


def test_queries_that_came_after_the_run_are_found_and_never_in_its_database(
    done_run: Run, own_library: Settings, store: MemoryCodeStore
) -> None:
    items = [
        Item(f"q{i}", lambda i=i: png((250, 9 * i, 9)), {"class": ("dots",)}, split="query")
        for i in range(3)
    ] + [Item("plain", lambda: png((1, 2, 3)), {"class": ("dots",)}, split="database")]
    facts = {"title": "", "summary": "", "licence": "", "attribution": ""}
    source = Source(name="more", items=items, identity="2", kinds={"class": "single"}, **facts)
    publish(done_run, load_dataset("shapes", own_library), store)
    grown = add_images("shapes", source, own_library)

    n_new, record = refresh(done_run, grown, store, own_library)

    assert (n_new, record.count) == (4, 44)
    assert done_run.load_codes("others")[1].tolist() == [40, 41, 42]
    assert done_run.load_codes("added")[1].tolist() == [43]
    assert searched_codes(done_run, "database")[1].tolist()[-1] == 43
    assert stored_query(done_run, 41) is not None
    assert set(splits_of_rows(done_run, grown, np.arange(40, 44))) == {"added"}


def test_what_was_encoded_but_not_published_yet_is_told_apart(
    settings: Settings, halves: RetrievalDataset, store: MemoryCodeStore
) -> None:
    """The parts lie one after another, and one in the middle may grow."""
    run = executed(settings)
    codes, rows = run.load_codes("others")
    run.save_codes("others", codes[:5], rows[:5])
    publish(run, halves, store)
    run.save_codes("others", codes, rows)

    assert "15 encoded images are not in it yet" in verify(run, halves, store)


def test_a_run_with_fewer_codes_than_its_index_says_so(
    done_run: Run, own_library: Settings, store: MemoryCodeStore
) -> None:
    dataset = load_dataset("shapes", own_library)
    record = publish(done_run, dataset, store)
    codes, rows = done_run.load_codes("query")
    done_run.save_codes("query", codes[:2], rows[:2])

    with pytest.raises(RunError, match="fewer codes than its index"):
        verify(done_run, dataset, store)
    write_index(done_run, IndexRecord.model_validate(record.model_dump()))


def test_what_a_page_asks_for_says_which_images(done_run: Run, own_library: Settings) -> None:
    request(done_run, "publish", "database")
    waits = requested(done_run)
    assert waits is not None
    assert waits.images == "database"

    assert "32 of 40 imported images" in change(done_run, "publish", own_library, waits.images)


def test_the_best_run_is_published_with_the_images_asked_for_or_all(
    done_run: Run, own_library: Settings
) -> None:
    for content, images in ((None, "database"), (json.dumps([done_run.id]), "all")):
        if content is None:
            request_best([done_run.id], own_library, "database")
        else:  # as earlier versions wrote it
            path = own_library.home / "publish-best" / "old.json"
            path.write_text(content, "utf-8")

        assert serve_best(own_library) == 1

        waits = requested(done_run)
        assert waits is not None
        assert waits.images == images


def test_how_many_images_are_covered_in_words() -> None:
    assert in_words(798, 798, "all") == "all 798 imported images"
    assert in_words(786, 798, "all") == "786 of 798 imported images"
    assert in_words(1310, 1798, "database") == "1,310 of 1,798 imported images (database only)"
