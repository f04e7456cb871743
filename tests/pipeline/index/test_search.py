"""Search: an image finds itself, and the run's own code file answers when the index cannot."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import load_dataset
from pipeline.images import load_rgb
from pipeline.index import search
from pipeline.index.code_files import CodeFileStore
from pipeline.index.publish import IndexRecord, publish
from pipeline.index.search import encode_image, open_index, search_index, searchable, stored_query
from pipeline.index.store.base import CollectionMismatch, CollectionMissing, StoreUnavailable, Where
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import kill, python, wait_for_line

HOLDER = """
import sys
from pathlib import Path
from pipeline.index.store.opening import open_store
store = open_store(None, Path(sys.argv[1]))
store.count(sys.argv[2])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def tiny():
    return load_backbone("tiny")


@pytest.fixture
def dataset(own_library: Settings):
    return load_dataset("shapes", own_library)


@pytest.fixture
def store(done_run: Run, dataset) -> MemoryCodeStore:
    """A store in which the run is published."""
    store = MemoryCodeStore()
    publish(done_run, dataset, store)
    return store


def test_an_uploaded_image_gets_its_stored_code(done_run: Run, dataset, tiny) -> None:
    """Features of one image and of a batch may differ in the last digit: a bit near 0 may flip."""
    method = done_run.load_method()

    distances = []
    for row in range(0, len(dataset), 4):
        content = dataset.image_path(row).read_bytes()
        query, stored = encode_image(load_rgb(content), tiny, method), stored_query(done_run, row)
        assert stored is not None
        distances.append(int(query.code.hamming(stored.code)[0, 0]))
        assert query.relaxed is not None
        assert np.array_equal(query.code.signs()[0], np.where(query.relaxed >= 0, 1, -1))
        assert query.encode_s > 0

    assert sum(distances) <= 1


def test_an_image_of_the_database_finds_itself_first(done_run: Run, dataset, store) -> None:
    codes, rows = done_run.load_codes("database")

    found = search_index(store, open_index(done_run, store).alias, codes[[5]], k=len(codes))

    hits = found.result.hits
    assert hits[0].distance == 0
    assert int(rows[5]) in {hit.payload["row"] for hit in hits if hit.distance == 0}
    assert found.search_s > 0


def test_a_radius_and_a_label_narrow_the_search(done_run: Run, dataset, store) -> None:
    codes, _ = done_run.load_codes("query")
    alias = open_index(done_run, store).alias

    near = search_index(store, alias, codes[[0]], k=100, radius=4).result.hits
    dots = search_index(store, alias, codes[[0]], k=100, where=Where(labels=("dots",))).result.hits

    assert all(hit.distance <= 4 for hit in near)
    assert {tuple(hit.payload["labels"]) for hit in dots} == {("dots",)}


def test_stored_queries_cover_queries_and_database_and_nothing_else(done_run: Run) -> None:
    _, query_rows = done_run.load_codes("query")

    assert stored_query(done_run, int(query_rows[0])) is not None
    assert stored_query(done_run, 999) is None


def test_a_run_that_was_never_published_says_how(done_run: Run) -> None:
    with pytest.raises(RunError, match=f"index publish {done_run.id}"):
        open_index(done_run, MemoryCodeStore())


def test_an_index_made_with_other_weights_is_refused(done_run: Run, dataset, store) -> None:
    weights = done_run.folder / "model" / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    for call in (
        lambda: open_index(done_run, store),
        lambda: searchable(done_run, dataset, store),
    ):
        with pytest.raises(CollectionMismatch, match="weights_sha256"):
            call()


def same_answers(done_run: Run, first, first_alias: str, second, second_alias: str) -> bool:
    codes, _ = done_run.load_codes("query")
    answers = [
        [search_index(store, alias, codes[[row]], k=40).result.hits for row in range(len(codes))]
        for store, alias in ((first, first_alias), (second, second_alias))
    ]
    return answers[0] == answers[1]


def test_the_published_index_is_used_when_it_is_there(done_run: Run, dataset, store) -> None:
    used, alias, reason = searchable(done_run, dataset, store)

    assert (used, alias, reason) == (store, open_index(done_run, store).alias, "")


@pytest.mark.parametrize("is_published", [True, False])
def test_without_an_index_the_code_file_answers_the_same(
    done_run: Run, dataset, store, is_published: bool
) -> None:
    """Published, and the store has lost it since; or never published."""
    if not is_published:
        (done_run.folder / "index.json").unlink()

    used, alias, reason = searchable(done_run, dataset, MemoryCodeStore())

    assert "build the index first" in reason if is_published else "has no index" in reason
    assert same_answers(done_run, used, alias, store, alias)


def test_an_index_locked_by_another_process_falls_back_to_the_code_file(
    done_run: Run, dataset, own_library: Settings, store
) -> None:
    published = open_store(None, own_library.index_path)
    alias = publish(done_run, dataset, published, force=True).alias
    published.close()
    child = python(HOLDER, own_library.index_path, alias)
    wait_for_line(child, "open")

    locked = open_store(None, own_library.index_path)
    with pytest.raises(StoreUnavailable):
        locked.count(alias)
    used, name, reason = searchable(done_run, dataset, locked)
    locked.close()
    kill(child)

    assert "process" in reason
    assert same_answers(done_run, used, name, store, alias)
    reopened = open_store(None, own_library.index_path)
    assert searchable(done_run, dataset, reopened)[2] == ""
    reopened.close()


def test_a_large_embedded_index_is_not_opened_to_search(
    done_run: Run, dataset, own_library: Settings, store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have it open meanwhile: the code files say the same."""
    monkeypatch.setattr(search, "SCAN_FROM", 40)
    published = open_store(None, own_library.index_path)
    alias = publish(done_run, dataset, published, force=True).alias
    published.close()
    child = python(HOLDER, own_library.index_path, alias)
    wait_for_line(child, "open")

    embedded = open_store(None, own_library.index_path)
    used, name, reason = searchable(done_run, dataset, embedded)
    embedded.close()
    kill(child)

    assert (type(used), reason) == (CodeFileStore, "")
    assert same_answers(done_run, used, name, store, alias)


@pytest.mark.parametrize(
    ("count", "is_embedded", "features", "is_scanned"),
    [
        (100_000, True, "none", True),
        (99_999, True, "none", False),
        (100_000, False, "none", False),  # a server
        (100_000, True, "int8", False),  # the index rescores
    ],
)
def test_code_files_are_read_where_that_is_faster(count, is_embedded, features, is_scanned):
    record = IndexRecord(alias="a", collection="a__v1", count=count, created="", features=features)
    asked = SimpleNamespace(is_embedded=is_embedded)

    assert search.reads_code_files(record, asked) is is_scanned


def test_without_index_and_code_file_the_run_is_named(done_run: Run, dataset) -> None:
    shutil.rmtree(done_run.folder / "codes")

    with pytest.raises(RunError, match=f"{done_run.id}/codes/database.npz is missing"):
        searchable(done_run, dataset, MemoryCodeStore())


def test_a_missing_model_is_named(done_run: Run, store) -> None:
    shutil.rmtree(done_run.folder / "model")

    with pytest.raises(RunError, match="has no fitted method"):
        open_index(done_run, store)


def test_a_dropped_collection_is_missing(done_run: Run, store) -> None:
    store.drop(open_index(done_run, store).collection)

    with pytest.raises(CollectionMissing):
        open_index(done_run, store)
