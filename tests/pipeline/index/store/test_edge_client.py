"""The embedded store: files that survive, locks that explain themselves, one clean switch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from qdrant_client.http import models

from pipeline.index.store import edge_values
from pipeline.index.store.base import CollectionMissing, StoreError, StoreUnavailable
from pipeline.index.store.edge_client import EdgeClient
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.index.store.qdrant import QdrantCodeStore
from tests.contracts.store_contract import filled, ids_of, payloads_of, random_codes

ROOT = Path(__file__).parents[4]
CHILD = """
import sys
from pathlib import Path
from pipeline.index.store.edge_client import EdgeClient
from pipeline.index.store.qdrant import QdrantCodeStore
from tests.contracts.store_contract import *
store = QdrantCodeStore(EdgeClient(Path(sys.argv[1])))
def say(*words):
    print(*words, flush=True)
"""


def start(script: str, path: Path) -> subprocess.Popen[str]:
    """Another process with `store` open on the same folder."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + script, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str]) -> None:
    child.communicate(timeout=30)


def store_in(path: Path) -> QdrantCodeStore:
    return QdrantCodeStore(EdgeClient(path), address=str(path))


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    codes = random_codes(40, 24)
    oracle = filled(MemoryCodeStore(), codes)
    oracle.publish("contract", "contract-v1")
    store = filled(store_in(tmp_path), codes)
    store.publish("contract", "contract-v1")
    store.close()

    reopened = store_in(tmp_path)

    assert reopened.info("contract") == oracle.info("contract")
    found = reopened.search("contract", codes[:1], 9)
    assert found == oracle.search("contract", codes[:1], 9)
    reopened.close()


def test_a_process_killed_while_adding_loses_nothing_it_was_told_is_stored(tmp_path: Path) -> None:
    script = """
codes = random_codes(20000, 32)
store.create("contract-v1", 32, {})
for start in range(0, 20000, 256):
    batch = slice(start, start + 256)
    store.add("contract-v1", ids_of(20000)[batch], codes[batch], payloads_of(20000)[batch])
    say(start + len(codes[batch]))
"""
    child = start(script, tmp_path)
    assert child.stdout is not None
    n_stored = 0
    while n_stored < 1000:
        n_stored = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    finish(child)

    codes = random_codes(20000, 32)
    store = store_in(tmp_path)
    assert store.count("contract-v1") >= n_stored
    assert len(store.get("contract-v1", ids_of(n_stored))) == n_stored
    for query in range(0, n_stored, 97):  # codes and payloads belong together
        nearest = store.search("contract-v1", codes[query : query + 1], 1).hits[0]
        assert (nearest.distance, nearest.id) == (0, ids_of(query + 1)[-1])
        assert nearest.payload == payloads_of(query + 1)[-1]

    store.add("contract-v1", ids_of(2000), codes[:2000], payloads_of(2000))  # simply again

    assert store.count("contract-v1") >= 2000
    store.close()


def test_a_second_process_is_told_who_holds_the_collection(tmp_path: Path) -> None:
    store = filled(store_in(tmp_path), random_codes(5, 16))
    script = """
for call in (store.count, store.info):
    try:
        call("contract-v1")
    except Exception as error:
        say(type(error).__name__, error)
say(store.collections())
"""

    answer, _ = start(script, tmp_path).communicate(timeout=30)

    lines = answer.splitlines()
    assert len(lines) == 3
    for line in lines[:2]:
        assert line.startswith("StoreUnavailable collection 'contract-v1' is open in another")
        assert "QDRANT_URL" in line
    assert lines[2] == "['contract-v1']"  # names need no lock
    store.close()


def test_closing_frees_the_collection_for_others(tmp_path: Path) -> None:
    first, second = store_in(tmp_path), store_in(tmp_path)
    filled(first, random_codes(5, 16))
    with pytest.raises(StoreUnavailable):
        second.count("contract-v1")

    first.close()

    assert second.count("contract-v1") == 5
    second.close()
    assert first.count("contract-v1") == 5  # opens again by itself
    first.close()


def test_a_version_dropped_while_the_reader_resolves_its_alias_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader has read the aliases when another process switches them and drops the old one."""
    reader = filled(store_in(tmp_path), random_codes(5, 16))
    reader.publish("contract", "contract-v1")
    files = type(reader._client._files)
    read = files.aliases
    before = [read(reader._client._files)]
    filled(reader, random_codes(7, 16), "contract-v2")
    reader.publish("contract", "contract-v2")
    reader.drop("contract-v1")
    monkeypatch.setattr(files, "aliases", lambda self: before.pop() if before else read(self))

    assert reader.count("contract") == 7


def test_a_reader_sees_one_clean_switch_when_another_process_publishes(tmp_path: Path) -> None:
    """Version 1 has 5 items, version 2 has 300: every answer is whole, of one or the other."""
    reader = filled(store_in(tmp_path), random_codes(5, 16))
    reader.publish("contract", "contract-v1")
    code = random_codes(1, 16)
    script = """
filled(store, random_codes(300, 16), "contract-v2")
store.publish("contract", "contract-v2")
store.drop("contract-v1")
say("done")
"""

    child = start(script, tmp_path)
    sizes: list[int] = []
    deadline = time.monotonic() + 30
    while sizes.count(300) < 100 and time.monotonic() < deadline:
        sizes.append(len(reader.search("contract", code, 1000).hits))
        assert reader.count("contract") in (5, 300)
    finish(child)

    assert child.returncode == 0
    assert sizes.count(5) > 100  # the reader was at work before the switch
    assert sizes == sorted(sizes)
    assert set(sizes) == {5, 300}
    assert reader.collections() == ["contract-v2"]
    reader.close()


def test_the_version_an_alias_has_left_is_free_for_others(tmp_path: Path) -> None:
    reader, writer = store_in(tmp_path), store_in(tmp_path)
    for collection in ("contract-v1", "contract-v2"):
        filled(writer, random_codes(5, 16), collection)
    writer.publish("contract", "contract-v1")
    assert reader.count("contract") == 5

    writer.publish("contract", "contract-v2")
    assert reader.count("contract") == 5

    assert writer.count("contract-v1") == 5
    reader.close()
    writer.close()


def test_a_collection_rebuilt_by_another_process_is_opened_anew(tmp_path: Path) -> None:
    reader, writer = store_in(tmp_path), store_in(tmp_path)
    filled(reader, random_codes(5, 16))

    writer.drop("contract-v1")
    with pytest.raises(CollectionMissing):
        reader.count("contract-v1")
    filled(writer, random_codes(7, 32))
    writer.close()

    assert reader.info("contract-v1").bits == 32
    assert reader.count("contract-v1") == 7
    reader.close()


def test_a_collection_dropped_by_another_process_does_not_stay_open(tmp_path: Path) -> None:
    reader, writer = store_in(tmp_path), store_in(tmp_path)
    filled(reader, random_codes(5, 16))
    reader.close()
    assert reader.count("contract-v1") == 5
    assert open_files(tmp_path)
    writer.drop("contract-v1")

    with pytest.raises(CollectionMissing):
        reader.count("contract-v1")

    assert not open_files(tmp_path)
    reader.close()
    writer.close()


def open_files(root: Path) -> list[str]:
    """Files under `root` that this process holds open or mapped."""
    mapped = Path("/proc/self/maps").read_text().splitlines()
    return [line for line in mapped if str(root) in line]


def test_the_remains_of_interrupted_work_are_no_collections(tmp_path: Path) -> None:
    store = filled(store_in(tmp_path), random_codes(5, 16))
    half_made = tmp_path / "collections" / "contract-v2"
    (half_made / "shard" / "segments").mkdir(parents=True)
    (half_made / "meta.json").write_text('{"metadata": {}}')
    (tmp_path / "collections" / "bare").mkdir()
    (tmp_path / "making-contract-v2" / "shard").mkdir(parents=True)
    (tmp_path / "dropped-contract-v1" / "shard").mkdir(parents=True)

    assert store.collections() == ["contract-v1"]
    assert store.count("contract-v1") == 5
    with pytest.raises(CollectionMissing):
        store.count("contract-v2")

    filled(store, random_codes(6, 16), "contract-v2")
    store.create("bare", 16, {})
    store.drop("contract-v1")

    assert store.count("contract-v2") == 6
    assert store.collections() == ["bare", "contract-v2"]
    store.close()


def test_a_damaged_collection_does_not_harm_the_others_and_can_be_replaced(tmp_path: Path) -> None:
    store = filled(store_in(tmp_path), random_codes(5, 16))
    filled(store, random_codes(6, 16), "contract-v2")
    store.close()
    (tmp_path / "collections/contract-v2/shard/edge_config.json").write_text("{")

    with pytest.raises(StoreError, match=r"contract-v2.*rebuild the index"):
        store.count("contract-v2")
    assert store.count("contract-v1") == 5

    store.drop("contract-v2")
    assert filled(store, random_codes(7, 16), "contract-v2").count("contract-v2") == 7
    store.close()


def test_aliases_written_at_the_same_time_all_stay(tmp_path: Path) -> None:
    """Two clients (each with its own lock, as two processes have) write 20 aliases each."""
    stores = [store_in(tmp_path), store_in(tmp_path)]
    stores[0].create("contract-v1", 16, {})

    def publish(side: int) -> None:
        for i in range(20):
            stores[side].publish(f"alias-{side}-{i}", "contract-v1")

    threads = [threading.Thread(target=publish, args=(side,)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(json.loads((tmp_path / "aliases.json").read_text())) == 40
    assert not list(tmp_path.glob("aliases.json?*"))  # no temporary files are left


def test_threads_share_a_store(tmp_path: Path) -> None:
    codes = random_codes(1500, 16)
    store = filled(store_in(tmp_path), codes[:10])
    n_hits: list[int] = []

    def search() -> None:
        n_hits.extend(len(store.search("contract-v1", codes[:1], 10).hits) for _ in range(40))

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    store.add("contract-v1", ids_of(1500), codes, payloads_of(1500))
    for reader in readers:
        reader.join()

    assert n_hits == [10] * 80
    store.close()


@pytest.mark.parametrize(
    ("convert", "value", "named"),
    [
        (edge_values.edge_filter, models.Filter(must=[models.HasVectorCondition(has_vector="")]),
         "HasVectorCondition"),
        (edge_values.edge_filter,
         models.Filter(must=[models.FieldCondition(key="a", match=models.MatchText(text="b"))]),
         "MatchText"),
        (edge_values.edge_filter,
         models.Filter(must=[models.FieldCondition(key="a", is_null=True)]), "field 'a'"),
        (edge_values.edge_filter,
         models.Filter(min_should=models.MinShould(conditions=[], min_count=1)), "min_should"),
        (edge_values.edge_filter, models.Filter(must_not=[]), "must_not"),
        (edge_values.edge_filter, models.Filter(should=[]), "should"),
        (edge_values.vector, {"named": [1.0]}, "dict"),
    ],
)  # fmt: skip
def test_what_cannot_be_expressed_is_refused_by_name(
    convert: object, value: object, named: str
) -> None:
    with pytest.raises(NotImplementedError, match=named):
        convert(value)  # type: ignore[operator]


def test_a_missing_value_is_the_default_and_zero_stays_zero() -> None:
    none_given = edge_values.hnsw(models.HnswConfigDiff())
    no_graph = edge_values.hnsw(models.HnswConfigDiff(m=0, payload_m=0))

    assert none_given is not None
    assert no_graph is not None
    assert (none_given.m, none_given.ef_construct, none_given.payload_m) == (16, 100, None)
    assert (no_graph.m, no_graph.payload_m) == (0, 0)


def test_vectors_on_disk_are_cold_and_quantized_ones_pinned() -> None:
    cold = edge_values.vector_params(
        models.VectorParams(size=8, distance=models.Distance.DOT, on_disk=True)
    )
    pinned = edge_values.quantization(
        models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    )

    assert str(cold.memory) == "Memory.Cold"
    assert pinned is not None
    assert str(pinned.memory) == "Memory.Pinned"
