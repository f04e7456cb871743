"""Changes of indexes as jobs, and a thousand searches while another process publishes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from models.codes import HashCodes
from pipeline.datasets.dataset import load_dataset
from pipeline.index.coverage import searched_codes
from pipeline.index.index_jobs import (
    change,
    last_result,
    progress,
    request,
    requested,
    serve,
    verify,
    waiting,
)
from pipeline.index.publish import index_alias, publish, read_index
from pipeline.index.store import patience
from pipeline.index.store.base import CollectionMismatch, StoreRefused
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.opening import open_store, store_of
from pipeline.index.store.qdrant import QdrantCodeStore
from pipeline.index.verification import WrongCodes
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.worker import work
from tests.factories import python
from tests.qdrant_stub import QdrantStub

PUBLISHER = """
import sys
from pathlib import Path
from pipeline.index.index_jobs import change
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings

settings = Settings(home=Path(sys.argv[1]), threads=1)
print("ready", flush=True)
sys.stdin.readline()
change(RunRegistry(settings).all()[0], "publish", settings)
"""
READER = """
import sys
from pathlib import Path
from pipeline.index.publish import index_alias
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.index.store.opening import store_of

settings = Settings(home=Path(sys.argv[1]), threads=1)
store, alias = store_of(settings), index_alias(RunRegistry(settings).all()[0])
for _ in range(3):
    print(store.info(alias).name[-4:], flush=True)
    sys.stdin.readline()
"""


def test_what_a_page_asks_for_is_done_by_the_worker(done_run: Run, own_library: Settings):
    for action, sentence in (
        ("publish", "__v1"),
        ("refresh", "__v1, 0 of them new"),
        ("publish", "__v2"),
        ("roll back", "back to"),
        ("drop", "2 versions removed"),
    ):
        request(done_run, action)
        assert requested(done_run).action == action
        assert [run.id for run in waiting(own_library)] == [done_run.id]

        assert work(own_library, exit_when_idle=True) == 0  # no run was executed

        result = last_result(done_run)
        assert (result.action, result.is_done) == (action, True)
        assert sentence in result.message
        assert requested(done_run) is None
    assert read_index(done_run) is None
    assert serve(own_library) == 0


def test_a_change_that_cannot_be_done_is_recorded_and_the_worker_goes_on(
    done_run: Run, own_library: Settings
):
    request(done_run, "roll back")

    assert serve(own_library) == 1

    assert not last_result(done_run).is_done
    assert "no older version" in last_result(done_run).message
    assert waiting(own_library) == []


def test_what_is_asked_for_meanwhile_comes_next(
    done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
):
    def publish_while_a_user_presses_drop(*arguments: object, **options: object):
        monkeypatch.undo()
        request(done_run, "drop")
        return publish(*arguments, **options)

    monkeypatch.setattr("pipeline.index.index_jobs.publish", publish_while_a_user_presses_drop)
    request(done_run, "publish")

    assert serve(own_library) == 1
    assert last_result(done_run).action == "publish"
    assert requested(done_run).action == "drop"
    assert serve(own_library) == 1
    assert last_result(done_run).action == "drop"
    assert waiting(own_library) == []


def test_two_workers_do_not_do_the_same_twice(
    done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
):
    others = []

    def publish_while_another_worker_looks(*arguments: object, **options: object):
        others.append(serve(own_library))
        return publish(*arguments, **options)

    monkeypatch.setattr("pipeline.index.index_jobs.publish", publish_while_another_worker_looks)
    request(done_run, "publish")

    assert serve(own_library) == 1
    assert others == [0]
    assert read_index(done_run).collection.endswith("__v1")


def test_nothing_is_asked_of_a_run_that_has_been_deleted(done_run: Run):
    shutil.rmtree(done_run.folder)

    with pytest.raises(FileNotFoundError, match="has been deleted"):
        request(done_run, "publish")
    assert not done_run.folder.exists()


def test_a_published_run_is_deleted_with_its_index(done_run: Run, own_library: Settings):
    for action in ("publish", "delete"):
        request(done_run, action)
        assert serve(own_library) == 1

    assert not done_run.folder.exists()
    assert waiting(own_library) == []
    store = store_of(own_library)
    assert store.collections() == []
    store.close()


def test_a_run_whose_index_cannot_be_dropped_stays_published_and_says_why(
    done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise StoreRefused("refuses the API key")

    request(done_run, "publish")
    serve(own_library)
    monkeypatch.setattr(QdrantCodeStore, "drop", refuse)

    request(done_run, "delete")
    serve(own_library)

    assert read_index(done_run) is not None
    assert last_result(done_run).message == "refuses the API key"


def test_going_back_works_while_another_process_has_both_versions_open(
    done_run: Run, own_library: Settings
):
    """As pages have them, which looked at one, then at the other."""
    change(done_run, "publish", own_library)
    child = python(READER, own_library.home)
    assert child.stdout.readline() == "__v1\n", child.stderr.read()
    change(done_run, "publish", own_library)
    child.stdin.write("again\n")
    child.stdin.flush()
    assert child.stdout.readline() == "__v2\n"

    change(done_run, "roll back", own_library)

    assert read_index(done_run).collection.endswith("__v1")
    assert child.communicate("once more\n", timeout=60)[0] == "__v1\n"


def test_verifying_finds_an_index_that_lost_a_code(done_run: Run, own_library: Settings):
    store, dataset = MemoryCodeStore(), load_dataset("shapes", own_library)
    with pytest.raises(RunError, match="no index to verify"):
        verify(done_run, dataset, store)
    record = publish(done_run, dataset, store)
    assert verify(done_run, dataset, store) == (
        f"{record.count} codes as in the run, also by the distances of 20 searches; "
        "28 images encoded again give the same codes"
    )

    store._tables[record.collection].rows.popitem()

    with pytest.raises(WrongCodes, match=f"{record.count - 1} codes instead of {record.count}$"):
        verify(done_run, dataset, store)


def test_verifying_finds_codes_that_the_network_does_not_give(done_run: Run, own_library: Settings):
    """The index agrees with the code file; both are wrong in every bit."""
    store, dataset = MemoryCodeStore(), load_dataset("shapes", own_library)
    codes, rows = done_run.load_codes("database")
    done_run.save_codes("database", HashCodes(~codes.packed, codes.bits), rows)
    publish(done_run, dataset, store)

    with pytest.raises(WrongCodes, match=r"encodes 20 of 20 images otherwise .* first is '"):
        verify(done_run, dataset, store)


def test_verifying_looks_at_added_images_however_few_they_are(done_run: Run, own_library: Settings):
    """A sample of all images would hardly meet them."""
    store, dataset = MemoryCodeStore(), load_dataset("shapes", own_library)
    codes, rows = done_run.load_codes("query")
    wrong = np.concatenate([~codes.packed[:1], codes.packed[1:2]])
    done_run.save_codes("added", HashCodes(wrong, codes.bits), rows[:2])
    publish(done_run, dataset, store, images="database")

    with pytest.raises(WrongCodes, match="encodes 1 of 22 images otherwise"):
        verify(done_run, dataset, store)


def test_verifying_says_what_a_refresh_would_add(done_run: Run, own_library: Settings):
    store, dataset = MemoryCodeStore(), load_dataset("shapes", own_library)
    publish(done_run, dataset, store)
    codes, rows = done_run.load_codes("query")
    done_run.save_codes("added", codes, rows)  # encoded, then the store failed

    sentence = verify(done_run, dataset, store)

    assert sentence.endswith(f"{len(rows)} encoded images are not in it yet, refresh adds them")


def test_verifying_a_run_whose_weights_are_others_by_now_says_so(
    done_run: Run, own_library: Settings
):
    store, dataset = MemoryCodeStore(), load_dataset("shapes", own_library)
    publish(done_run, dataset, store)
    weights = done_run.folder / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")

    with pytest.raises(CollectionMismatch, match="weights_sha256"):
        verify(done_run, dataset, store)


def test_a_thousand_searches_see_one_clean_switch_while_another_process_publishes(
    done_run: Run, own_library: Settings
):
    store = open_store(None, own_library.index_path)
    publish(done_run, load_dataset("shapes", own_library), store)
    codes, _ = searched_codes(done_run)
    alias = index_alias(done_run)
    child = python(PUBLISHER, own_library.home)
    assert child.stdout.readline() == "ready\n"
    expected = [hit.distance for hit in store.search(alias, codes[[0]], 10).hits]
    seen = [store.resolve(alias)]
    child.stdin.write("go\n")
    child.stdin.flush()

    n_searches = 0
    while n_searches < 1000 or child.poll() is None:
        found = [hit.distance for hit in store.search(alias, codes[[0]], 10).hits]
        assert found == expected
        n_searches += 1
        if (live := store.resolve(alias)) != seen[-1]:
            seen.append(live)

    assert child.communicate(timeout=60)[1] == ""
    assert [hit.distance for hit in store.search(alias, codes[[0]], 10).hits] == expected
    seen += [live for live in [store.resolve(alias)] if live != seen[-1]]
    assert seen == [f"{alias}__v1", f"{alias}__v2"]  # once, and never back
    store.close()


def test_a_job_waits_for_a_server_that_goes_away_and_says_so(
    done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSES_S", (0.02,))
    seen: list[str] = []
    with QdrantStub() as stub:
        usual = stub.answer

        def answer(method: str, path: str, *more: object) -> tuple[int, object]:
            if path.endswith("/points") and method == "PUT" and len(seen) < 3:
                seen.append(progress(done_run))
                return 503, {"status": {"error": "restarting"}}
            return usual(method, path, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(stub, "answer", answer)
        settings = own_library.model_copy(update={"qdrant_url": stub.url})
        request(done_run, "publish")

        assert serve(settings) == 1

    result = last_result(done_run)
    assert result is not None
    assert result.is_done
    assert seen[0] == ""
    assert "restarting); its log says more; waiting up to 120 s for it" in seen[1]
    assert progress(done_run) == ""  # nothing is under way any more


def test_a_server_that_stays_away_ends_the_job_and_leaves_the_index_as_it_was(
    done_run: Run, own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_PAUSES_S", (0.2,))
    with QdrantStub() as stub:
        settings = own_library.model_copy(update={"qdrant_url": stub.url, "qdrant_wait_s": 1})
        change(done_run, "publish", settings)
        before = read_index(done_run)
        stub.fails = "/points"
        request(done_run, "publish")

        serve(settings)

        result = last_result(done_run)
        assert result is not None
        assert not result.is_done
        assert "waited 1 s for it (QDRANT_WAIT_S)" in result.message
        assert read_index(done_run) == before
        stub.fails = ""
        assert "codes in" in change(done_run, "publish", settings)
