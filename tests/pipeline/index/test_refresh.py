"""Refreshing an index after images were added: only they are encoded, the evaluation stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models.backbones.base import Backbone
from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index.coverage import searched_codes
from pipeline.index.publish import publish, publish_lock
from pipeline.index.refresh import encode_added, refresh
from pipeline.index.search import exact_store, open_index, search_index, stored_query
from pipeline.index.store.base import StoreUnavailable
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.ingest.add_images import add_images
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import wait_until, write_images


@pytest.fixture
def store() -> MemoryCodeStore:
    return MemoryCodeStore()


@pytest.fixture
def grown(
    own_library: Settings, done_run: Run, store: MemoryCodeStore, tmp_path: Path
) -> RetrievalDataset:
    """The data set of a published run, with 12 more images of the same kinds."""
    publish(done_run, load_dataset("shapes", own_library), store)
    folder = write_images(tmp_path / "more", per_class=3, seed=9)
    source = open_source("folder", SourceRequest(name="more", path=folder))
    return add_images("shapes", source, own_library)


def test_added_images_are_found_and_the_rest_is_as_before(
    grown: RetrievalDataset, done_run: Run, own_library: Settings, store: MemoryCodeStore
) -> None:
    before, n_before = open_index(done_run, store), len(searched_codes(done_run)[1])
    n_database = len(done_run.load_codes("database")[1])
    report = done_run.report()

    n_new, record = refresh(done_run, grown, store, own_library)

    assert n_new == 12
    assert record.count == store.count(record.alias) == n_before + 12
    assert store.resolve(record.alias) == record.collection != before.collection
    assert store.count(before.collection) == n_before  # for searches that go on, and to go back to
    codes, rows = done_run.load_codes("added")
    assert rows.tolist() == list(range(40, 52))
    nearest = search_index(store, record.alias, codes[[0]], k=1).result.hits[0]
    assert nearest.distance == 0
    assert stored_query(done_run, 40).code.packed.tolist() == codes[[0]].packed.tolist()
    assert done_run.report() == report
    assert len(done_run.load_codes("database")[1]) == n_database


def test_refreshing_twice_changes_nothing_and_publishing_again_keeps_the_added(
    grown: RetrievalDataset, done_run: Run, own_library: Settings, store: MemoryCodeStore
) -> None:
    _, first = refresh(done_run, grown, store, own_library)

    assert refresh(done_run, grown, store, own_library) == (0, first)
    assert publish(done_run, grown, store, force=True).count == first.count
    exact, alias = exact_store(done_run, grown)
    assert exact.count(alias) == first.count


def test_a_store_that_fails_in_the_middle_is_repaired_by_the_next_call(
    grown: RetrievalDataset,
    done_run: Run,
    own_library: Settings,
    store: MemoryCodeStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object) -> None:
        raise StoreUnavailable("no answer")

    before = open_index(done_run, store)
    with monkeypatch.context() as broken:
        broken.setattr(store, "add", fail)
        with pytest.raises(StoreUnavailable):
            refresh(done_run, grown, store, own_library)
    assert open_index(done_run, store) == before

    n_new, record = refresh(done_run, grown, store, own_library)

    assert n_new == 0  # encoded by the first call
    assert record.count == store.count(record.alias) == before.count + 12


def test_without_an_index_there_is_nothing_to_refresh(
    done_run: Run, own_library: Settings, store: MemoryCodeStore
) -> None:
    with pytest.raises(RunError, match="no index to refresh"):
        refresh(done_run, load_dataset("shapes", own_library), store, own_library)


def test_a_version_that_waits_for_a_refresh_has_the_added_images(
    grown: RetrievalDataset,
    done_run: Run,
    own_library: Settings,
    store: MemoryCodeStore,
    caplog: pytest.LogCaptureFixture,
) -> None:
    codes, n_before = done_run.load_codes("database")[0], len(searched_codes(done_run)[1])
    caplog.set_level("INFO", "pipeline.index.publish")
    with ThreadPoolExecutor() as pool:
        with publish_lock(done_run):  # a refresh that is about to store what it encoded
            waiting = pool.submit(publish, done_run, grown, store, force=True)
            wait_until(lambda: "waiting for it" in caplog.text)
            done_run.save_codes("added", codes[:3], np.arange(40, 43))

        assert waiting.result(timeout=30).count == n_before + 3


def test_two_refreshes_at_once_add_each_image_once(
    grown: RetrievalDataset,
    done_run: Run,
    own_library: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added = []

    def overtaken(name: str, settings: Settings) -> Backbone:
        monkeypatch.undo()
        added.append(encode_added(done_run, grown, own_library))  # the other is faster
        return load_backbone(name)

    monkeypatch.setattr("pipeline.index.reencoding.load_backbone", overtaken)

    assert encode_added(done_run, grown, own_library) == 0
    assert added == [12]
    assert done_run.load_codes("added")[1].tolist() == list(range(40, 52))
