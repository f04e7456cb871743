"""Publishing: repeatable, verified, reversible, and safe from a kill half-way."""

from __future__ import annotations

import re
from uuid import UUID, uuid5

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.datasets.dataset import load_dataset
from pipeline.datasets.split import make_split
from pipeline.deletions import delete_dataset
from pipeline.index import built_from
from pipeline.index import publish as publishing
from pipeline.index.coverage import searched_codes
from pipeline.index.payloads import IndexItems, item_id
from pipeline.index.publish import (
    drop_index,
    index_alias,
    publish,
    read_index,
    roll_back,
    write_index,
)
from pipeline.index.search import open_index
from pipeline.index.store.base import StoreError
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store
from pipeline.runs.execute import execute
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import imported, kill, python, wait_for_line, write_images

NAMESPACE = UUID("6f3f1c1e-8a55-5d0c-9a40-6d1b9be6a1d7")
CHILD = """
import sys, threading
from pathlib import Path
from pipeline.index import publish as indexing
from pipeline.datasets.dataset import load_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.index.store.opening import open_store

def show(done, total):
    if done >= 16:
        print("half", flush=True)
        threading.Event().wait()  # until it is killed

indexing._UPLOAD_ROWS = 8
settings = Settings(home=Path(sys.argv[1]))
store = open_store(None, settings.index_path)
indexing.publish(
    RunRegistry(settings).all()[0], load_dataset("shapes", settings), store, on_progress=show
)
"""


@pytest.fixture
def store() -> MemoryCodeStore:
    return MemoryCodeStore()


@pytest.fixture
def dataset(own_library: Settings):
    return load_dataset("shapes", own_library)


def test_a_published_run_is_found_under_its_alias(done_run: Run, dataset, store) -> None:
    steps: list[tuple[int, int]] = []

    record = publish(done_run, dataset, store, on_progress=lambda *step: steps.append(step))

    n = len(dataset)
    assert record.alias == index_alias(done_run)
    assert store.resolve(record.alias) == record.collection == f"{record.alias}__v1"
    assert store.count(record.alias) == record.count == n
    assert steps == [(n, n)]
    assert read_index(done_run) == record
    metadata = store.info(record.alias).metadata
    assert metadata["run"] == done_run.id
    assert metadata["dataset_fingerprint"] == dataset.info.fingerprint


def test_every_code_stands_beside_its_own_image(done_run: Run, dataset, store) -> None:
    record = publish(done_run, dataset, store)
    codes, rows = searched_codes(done_run)
    protocol, labels = done_run.spec.evaluation_protocol(), dataset.label_set("class")
    split = make_split(dataset, protocol, labels, done_run.spec.split_seed)

    for position, row in enumerate(rows):
        facts = dataset.manifest.iloc[row]
        [item] = store.get(record.alias, [item_id("shapes", facts["sha256"])])
        nearest = store.search(record.alias, codes[[position]], 1).hits[0]
        said = " ".join([facts["image_id"], facts["text"], *facts["labels:class"]])
        assert nearest.distance == 0
        assert item.payload == {
            "row": int(row),
            "labels": list(facts["labels:class"]),
            "split": "train" if row in split.train else "query",
            "words": sorted({*re.findall(r"[a-z0-9]+", said.lower())}),
        }


def test_publishing_twice_changes_nothing(done_run: Run, dataset, store) -> None:
    first = publish(done_run, dataset, store)

    assert publish(done_run, dataset, store) == first
    assert store.collections() == [first.collection]


def test_an_index_of_an_older_version_is_built_again(
    done_run: Run, dataset, store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(built_from, "PAYLOAD", 1)
    old = publish(done_run, dataset, store)
    monkeypatch.undo()

    new = publish(done_run, dataset, store)

    assert new.collection != old.collection
    assert store.resolve(new.alias) == new.collection


def test_forcing_makes_a_new_version_and_keeps_one_to_go_back_to(
    done_run: Run, dataset, store
) -> None:
    alias = index_alias(done_run)
    publish(done_run, dataset, store)

    second = publish(done_run, dataset, store, force=True)
    assert second.collection == f"{alias}__v2"
    assert store.collections() == [f"{alias}__v1", f"{alias}__v2"]

    publish(done_run, dataset, store, force=True)
    assert store.resolve(alias) == f"{alias}__v3"
    assert store.collections() == [f"{alias}__v2", f"{alias}__v3"]


def test_rolling_back_points_at_the_version_before(done_run: Run, dataset, store) -> None:
    first = publish(done_run, dataset, store)
    publish(done_run, dataset, store, force=True)

    record = roll_back(done_run, store)

    assert store.resolve(first.alias) == record.collection == first.collection
    assert (record.count, record.created) == (first.count, first.created)
    assert read_index(done_run) == record
    with pytest.raises(StoreError, match="no older version"):
        roll_back(done_run, store)
    assert publish(done_run, dataset, store) == record  # live and known: nothing to do


def test_a_run_that_was_never_published_cannot_be_rolled_back(done_run: Run, store) -> None:
    with pytest.raises(StoreError, match="no older version"):
        roll_back(done_run, store)


def test_dropping_removes_every_version(done_run: Run, dataset, store) -> None:
    publish(done_run, dataset, store)
    publish(done_run, dataset, store, force=True)
    store.create("somebody_elses__v1", 8, {})

    assert drop_index(done_run, store) == 2
    assert store.collections() == ["somebody_elses__v1"]
    assert read_index(done_run) is None
    assert publish(done_run, dataset, store).collection.endswith("__v1")


def test_runs_of_one_spec_have_indexes_of_their_own(
    done_run: Run, dataset, store, own_library: Settings
) -> None:
    twin = RunRegistry(own_library).create(done_run.spec)
    execute(twin, own_library)
    publish(done_run, dataset, store)
    record = publish(twin, dataset, store)

    with pytest.raises(StoreError, match="no older version"):
        roll_back(twin, store)  # the other run's is none
    drop_index(done_run, store)

    assert store.count(record.alias) == record.count
    assert store.collections() == [record.collection]


def test_a_run_keeps_the_alias_that_it_was_published_under(done_run: Run, dataset, store) -> None:
    record = publish(done_run, dataset, store)
    write_index(done_run, record.model_copy(update={"alias": "codes__of_old"}))

    assert index_alias(done_run) == "codes__of_old"


class Forgetful(MemoryCodeStore):
    """Loses the last item of every upload."""

    def add(self, collection, ids, codes, payloads, features=None):
        super().add(collection, ids[:-1], codes[:-1], payloads[:-1])


class Mixing(MemoryCodeStore):
    """Stores the right number of codes, but not the right ones."""

    def add(self, collection, ids, codes, payloads, features=None):
        flipped = HashCodes(codes.packed ^ np.uint8(255), codes.bits)
        super().add(collection, ids, flipped, payloads)


@pytest.mark.parametrize(("bad", "reason"), [(Forgetful, "holds"), (Mixing, "returns distances")])
def test_wrong_contents_are_not_published(done_run: Run, dataset, bad, reason: str) -> None:
    store = bad()

    with pytest.raises(StoreError, match=reason):
        publish(done_run, dataset, store)

    assert store.resolve(index_alias(done_run)) is None
    assert read_index(done_run) is None


def test_the_old_version_stays_live_when_the_new_one_is_wrong(done_run: Run, dataset) -> None:
    store = Forgetful()
    MemoryCodeStore.create(store, f"{index_alias(done_run)}__v1", 16, {})
    MemoryCodeStore.publish(store, index_alias(done_run), f"{index_alias(done_run)}__v1")

    with pytest.raises(StoreError, match="holds"):
        publish(done_run, dataset, store)

    assert store.resolve(index_alias(done_run)) == f"{index_alias(done_run)}__v1"


def test_a_publication_killed_half_way_is_invisible_and_done_again(
    done_run: Run, dataset, own_library: Settings
) -> None:
    child = python(CHILD, own_library.home)
    wait_for_line(child, "half")
    kill(child)

    store = open_store(None, own_library.index_path)
    alias = index_alias(done_run)
    assert store.resolve(alias) is None
    assert store.count(f"{alias}__v1") == 16
    assert read_index(done_run) is None

    record = publish(done_run, dataset, store)

    assert store.count(alias) == record.count == len(dataset)
    assert store.collections() == [f"{alias}__v1"]
    store.close()


def test_uploads_in_parts_make_one_whole(done_run: Run, dataset, store, monkeypatch) -> None:
    monkeypatch.setattr(publishing, "_UPLOAD_ROWS", 7)

    assert store.count(publish(done_run, dataset, store).alias) == len(dataset)


def test_a_damaged_record_counts_as_none_and_is_healed(done_run: Run, dataset, store) -> None:
    publish(done_run, dataset, store)
    (done_run.folder / "index.json").write_text("{", "utf-8")

    assert read_index(done_run) is None
    assert publish(done_run, dataset, store).collection.endswith("__v2")
    assert read_index(done_run) is not None


def test_a_run_without_codes_or_model_is_named(done_run: Run, dataset, store) -> None:
    (done_run.folder / "model" / "weights.safetensors").unlink()
    with pytest.raises(RunError, match=f"{done_run.id} has no fitted method"):
        publish(done_run, dataset, store)

    (done_run.folder / "codes" / "database.npz").unlink()
    with pytest.raises(RunError, match=f"{done_run.id}/codes/database.npz is missing"):
        publish(done_run, dataset, store)


def test_codes_are_not_published_with_other_images_of_the_same_name(
    done_run: Run, store, own_library: Settings, tmp_path
) -> None:
    delete_dataset("shapes", own_library)
    other = imported(write_images(tmp_path / "others", seed=77), own_library)

    with pytest.raises(RunError, match="was made from other content"):
        publish(done_run, other, store)

    assert store.collections() == []


def test_an_index_with_the_names_that_earlier_versions_stored_stays(
    done_run: Run, dataset, store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(built_from, "PAYLOAD", 2)
    old = publish(done_run, dataset, store)
    monkeypatch.undo()

    assert open_index(done_run, store) == old
    assert publish(done_run, dataset, store) == old


def test_ids_are_stable_and_tell_data_sets_apart(done_run: Run, dataset) -> None:
    assert item_id("a", "0" * 64) == item_id("a", "0" * 64) != item_id("b", "0" * 64)
    every = np.arange(40)
    ids = IndexItems(done_run, dataset, every).ids(every)
    assert len({*ids}) == 40
    digests = dataset.manifest["sha256"]
    assert ids == [str(uuid5(NAMESPACE, f"shapes:{digest}")) for digest in digests]


def test_a_drop_that_fails_leaves_the_run_published_and_one_that_is_killed_does_not(
    done_run: Run, dataset, store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = publish(done_run, dataset, store)
    for error in (StoreError("the server refuses"), KeyboardInterrupt()):

        def failing(_: str, error: BaseException = error) -> None:
            raise error

        with monkeypatch.context() as patch, pytest.raises(type(error)):
            patch.setattr(store, "drop", failing)
            drop_index(done_run, store)
        still = read_index(done_run)
        assert still == (record if isinstance(error, StoreError) else None)

    assert drop_index(done_run, store) == 1
    assert store.collections() == []
    assert not list(done_run.folder.glob(".index*.deleted"))
