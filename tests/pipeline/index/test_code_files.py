"""CodeFileStore answers as a store that holds the same items, and takes none."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.index import code_files
from pipeline.index.code_files import CodeFileStore
from pipeline.index.coverage import searched_codes
from pipeline.index.payloads import IndexItems
from pipeline.index.search import index_alias
from pipeline.index.store.base import (
    CollectionMismatch,
    CollectionMissing,
    StoreError,
    Where,
)
from pipeline.index.store.features import NoFeatures
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.runs.run import Run
from pipeline.settings import Settings

FILTERS = (
    None,
    Where(),
    Where(labels=("green",)),
    Where(labels=("green", "no such class")),
    Where(labels=("no such class",)),
    Where(split="query"),
    Where(split="train", labels=("blue",)),
    Where(words=("green",)),
    Where(words=("green", "3")),
    Where(words=("no", "such", "words")),
    Where(labels=("green",), split="train", words=("png",)),
)


@pytest.fixture
def dataset(own_library: Settings) -> RetrievalDataset:
    return load_dataset("shapes", own_library)


@pytest.fixture
def items(done_run: Run, dataset: RetrievalDataset) -> IndexItems:
    return IndexItems(done_run, dataset, searched_codes(done_run)[1])


@pytest.fixture
def codes(done_run: Run) -> HashCodes:
    return searched_codes(done_run)[0]


@pytest.fixture
def scanned(done_run: Run, codes: HashCodes, items: IndexItems) -> CodeFileStore:
    return CodeFileStore(index_alias(done_run), codes, items)


@pytest.fixture
def truth(done_run: Run, codes: HashCodes, items: IndexItems) -> MemoryCodeStore:
    store, every = MemoryCodeStore(), np.arange(len(items))
    store.create(index_alias(done_run), codes.bits, {})
    store.add(index_alias(done_run), items.ids(every), codes, items.payloads(every))
    return store


def test_what_passes_is_worked_out_once_for_queries_that_share_a_filter(
    items: IndexItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    green, red = (items.accepted(Where(labels=(name,))).copy() for name in ("green", "red"))
    n_worked_out = []
    passing = items._passing
    monkeypatch.setattr(items, "_passing", lambda where: n_worked_out.append(1) or passing(where))

    found = [items.accepted(Where(labels=(name,))) for name in ("red", "green", "green", "red")]

    assert [one.tolist() for one in found] == [one.tolist() for one in (red, green, green, red)]
    assert len(n_worked_out) == 2  # red was known
    with pytest.raises(ValueError, match="read-only"):
        found[0][:] = True


@pytest.mark.parametrize("where", FILTERS)
@pytest.mark.parametrize("block", [7, 1 << 18])
def test_it_finds_what_a_store_with_the_same_items_finds(
    done_run: Run, codes, scanned, truth, where, block, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_files, "_BLOCK", block)
    alias = index_alias(done_run)

    for row in (0, 11, 30):
        for k in (1, 5, 40):
            assert scanned.search(alias, codes[row], k, where) == truth.search(
                alias, codes[row], k, where
            )
        for r in (0, 3, codes.bits):
            assert scanned.radius(alias, codes[row], r, where, 9) == truth.radius(
                alias, codes[row], r, where, 9
            )
    assert scanned.count(alias, where) == truth.count(alias, where)


def test_items_are_found_by_id(done_run: Run, scanned, truth, items: IndexItems) -> None:
    alias, ids = index_alias(done_run), items.ids(np.array([5, 2]))
    unknown = "00000000-0000-0000-0000-000000000000"

    assert scanned.get(alias, [*ids, unknown]) == truth.get(alias, ids)


def test_too_many_ties_are_said(
    done_run: Run, items: IndexItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_files, "TIE_LIMIT", 10)
    same = HashCodes(np.zeros((len(items), 1), np.uint8), 8)
    store = CodeFileStore("a", same, items)

    found = store.search("a", same[0], 5)

    assert (found.tie_cut, len(found.hits)) == (True, 5)
    assert {hit.distance for hit in found.hits} == {0}


def test_another_name_or_length_is_refused(done_run: Run, scanned, codes: HashCodes) -> None:
    other = HashCodes(np.zeros((1, 1), np.uint8), 8)

    with pytest.raises(CollectionMissing):
        scanned.search("other", codes[0], 3)
    with pytest.raises(CollectionMismatch):
        scanned.search(index_alias(done_run), other, 3)
    with pytest.raises(ValueError, match="-1"):
        scanned.radius(index_alias(done_run), codes[0], -1)


def test_nothing_can_be_stored_in_it(done_run: Run, scanned, codes: HashCodes) -> None:
    alias = index_alias(done_run)

    for write in (
        lambda: scanned.create("new", 8, {}),
        lambda: scanned.add(alias, [], codes[:0], []),
        lambda: scanned.drop(alias),
        lambda: scanned.publish("new", alias),
    ):
        with pytest.raises(StoreError, match="read from code files"):
            write()
    with pytest.raises(NoFeatures):
        scanned.rescored(alias, codes[0], np.zeros(4, np.float32), 3)
    assert scanned.info(alias).count == len(codes)
