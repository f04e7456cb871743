"""Features in an index: rescored by the engine as from the disk, kept by a refresh, verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index.cosine import cosine_of
from pipeline.index.coverage import searched_codes
from pipeline.index.index_features import feature_sizes, open_features
from pipeline.index.index_jobs import change, verify_rescoring
from pipeline.index.ordering import Ordering, find_shortlist, rescored_in_index, rows_of, sort_hits
from pipeline.index.publish import publish, read_index, roll_back
from pipeline.index.refresh import refresh
from pipeline.index.search import exact_store
from pipeline.index.store.base import CodeStore
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store
from pipeline.index.verification import WrongCodes
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings


@pytest.fixture
def dataset(own_library: Settings) -> RetrievalDataset:
    return load_dataset("shapes", own_library)


@pytest.fixture(params=["embedded", "local mode", "numpy"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CodeStore]:
    made: CodeStore
    if request.param == "numpy":
        made = MemoryCodeStore()
    else:
        url = None if request.param == "embedded" else ":memory:"
        made = open_store(url, tmp_path / "index")
    yield made
    made.close()


@pytest.mark.parametrize("kept", ["float16", "int8"])
def test_an_index_rescores_as_the_features_on_the_disk_do(
    kept: str, done_run: Run, dataset: RetrievalDataset, own_library: Settings, store: CodeStore
) -> None:
    features = open_features(done_run, dataset, kept, own_library)
    record = publish(done_run, dataset, store, features=features)
    cosine = cosine_of(done_run, dataset, own_library, done_run.load_backbone)
    codes, rows = searched_codes(done_run)
    shared = []

    for place in range(0, len(rows), 7):
        query = cosine.of_row(int(rows[place]))
        from_disk = Ordering(cosine.values(query), is_within_distance=False)
        orders = []
        for ordering in (from_disk, replace(from_disk, features=query)):
            found = find_shortlist(store, record.alias, codes[[place]], ordering, limit=10)
            order = sort_hits(found.result.hits, ordering)
            assert order.is_in_index == (ordering.features is not None)
            orders.append(rows_of(found.result.hits)[order.places[:10]].tolist())
        shared.append(len({*orders[0]} & {*orders[1]}) / 10)

    assert read_index(done_run) == record
    assert record.features == kept
    assert np.mean(shared) > (0.99 if kept == "float16" else 0.9)


def test_an_index_without_features_and_the_code_file_rescore_from_the_disk(
    done_run: Run, dataset: RetrievalDataset, own_library: Settings
) -> None:
    store = MemoryCodeStore()
    record = publish(done_run, dataset, store)
    cosine = cosine_of(done_run, dataset, own_library, done_run.load_backbone)
    codes, rows = searched_codes(done_run)
    query = cosine.of_row(int(rows[0]))
    ordering = Ordering(cosine.values(query), is_within_distance=False, features=query)

    for place, alias in ((store, record.alias), exact_store(done_run, dataset)):
        hits = find_shortlist(place, alias, codes[[0]], ordering, limit=5).result.hits
        order = sort_hits(hits, ordering)
        assert (order.is_in_index, order.problem) == (False, "")
        assert order.places.tolist() == np.argsort(cosine.values(query)(rows_of(hits))).tolist()
        missing = sort_hits(hits, rescored_in_index(query, "features are gone"))
        assert (missing.places.tolist(), missing.problem) == (
            [*range(len(hits))],
            "features are gone",
        )


def test_a_refresh_and_a_way_back_keep_to_what_the_index_kept(
    done_run: Run, dataset: RetrievalDataset, own_library: Settings
) -> None:
    store = MemoryCodeStore()
    features = open_features(done_run, dataset, "int8", own_library)
    first = publish(done_run, dataset, store, features=features)
    assert publish(done_run, dataset, store, features=features) == first  # nothing to do

    plain = publish(done_run, dataset, store)

    assert (plain.collection, plain.features) != (first.collection, first.features)
    assert roll_back(done_run, store).features == "int8"
    assert refresh(done_run, dataset, store, own_library)[1].features == "int8"
    (done_run.folder / "index-before.json").unlink(missing_ok=True)
    publish(done_run, dataset, store, force=True)
    (done_run.folder / "index-before.json").unlink()
    assert roll_back(done_run, store).features == "int8"  # from what the store says


def test_other_features_than_those_of_the_images_do_not_go_live(
    done_run: Run, dataset: RetrievalDataset, own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryCodeStore()
    features = open_features(done_run, dataset, "float16", own_library)
    add = store.add

    def shuffled(collection, ids, codes, payloads, features):
        add(collection, ids, codes, payloads, features[::-1])

    monkeypatch.setattr(store, "add", shuffled)
    with pytest.raises(WrongCodes, match=r"cosines that differ by .* the index was not published"):
        publish(done_run, dataset, store, features=features)
    assert read_index(done_run) is None

    monkeypatch.undo()
    record = publish(done_run, dataset, store, features=features)
    said = verify_rescoring(done_run, dataset, store, own_library)
    assert said == "; the cosines of 20 rescored searches are those of the features"
    payloads = [item.payload for item in store.get(record.collection, [*store_ids(store, record)])]
    codes, rows = searched_codes(done_run)
    add(record.collection, [*store_ids(store, record)], codes, payloads,
        features.of_rows(rows)[::-1])  # fmt: skip
    with pytest.raises(WrongCodes, match="cosines that differ by"):
        verify_rescoring(done_run, dataset, store, own_library)


def store_ids(store: MemoryCodeStore, record) -> list[str]:
    return list(store._tables[record.collection].rows)


def test_features_that_are_not_stored_are_refused_before_anything_is_built(
    done_run: Run, dataset: RetrievalDataset, own_library: Settings
) -> None:
    assert (
        feature_sizes(done_run, 100, own_library)["int8"] * 2
        == (feature_sizes(done_run, 100, own_library)["float16"])
    )
    for path in own_library.features_path.glob("*/keys.bin"):
        path.write_bytes(b"")

    with pytest.raises(RunError, match=r"cannot keep features: .* have no stored features"):
        change(done_run, "publish", own_library, "database", "float16")

    assert read_index(done_run) is None
    assert open_features(done_run, dataset, "none", own_library) is None
