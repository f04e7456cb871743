"""A full disk ends in one sentence, with what was there still there and nothing half-written."""

from __future__ import annotations

import errno
import resource
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError

from models.codes import HashCodes
from pipeline import files
from pipeline.datasets.dataset import load_dataset
from pipeline.files import write_atomic, written
from pipeline.index.publish import publish, read_index
from pipeline.index.store.base import StoreUnavailable
from pipeline.index.store.opening import open_store
from pipeline.runs.execute import execute
from pipeline.runs.experiment import attempt
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import StoredFeatures
from pipeline.wording import sentence
from tests.factories import python_m, spec

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = Usage(10**9, 9 * 10**8, 10**8)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)


def test_publishing_checks_the_room_first(
    own_library: Settings, done_run: Run, nearly_full: None
) -> None:
    store = open_store(None, own_library.index_path)
    try:
        with pytest.raises(OSError, match=r"0\.2 GB are needed in .*, 0\.1 GB are free"):
            publish(done_run, load_dataset("shapes", own_library), store)
        assert store.collections() == []
    finally:
        store.close()
    assert read_index(done_run) is None


def test_training_checks_the_room_first(own_library: Settings, nearly_full: None) -> None:
    run = RunRegistry(own_library).create(spec(seed=7))

    with pytest.raises(OSError, match="nothing was written"):
        execute(run, own_library)

    assert run.status().state == "failed"
    assert "GB are free" in run.status().error
    assert not (run.folder / "model").exists()


@pytest.fixture
def almost_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for a run, and for the features of a few images only."""
    usage = Usage(10**9, 0, files.RESERVE_BYTES + 60_000_000 + 10_000)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)


def test_features_that_are_to_be_computed_count(own_library: Settings, almost_enough: None) -> None:
    shutil.rmtree(own_library.features_path)
    run = RunRegistry(own_library).create(spec(seed=7))

    assert not attempt(run, own_library)  # as the worker does it

    assert "GB are free" in run.status().error
    assert not list(own_library.features_path.rglob("rows.f32"))


def test_features_that_are_there_do_not(own_library: Settings, almost_enough: None) -> None:
    run = RunRegistry(own_library).create(spec(seed=7))

    assert attempt(run, own_library)


def test_augmented_views_count(own_library: Settings, almost_enough: None) -> None:
    run = RunRegistry(own_library).create(spec(method="cibhash", config={"epochs": 1}))

    assert not attempt(run, own_library)
    assert "GB are free" in run.status().error


def test_vectors_are_stored_where_there_is_room_for_all(tmp_path: Path, nearly_full: None) -> None:
    stored = StoredFeatures(tmp_path, 4)

    with pytest.raises(OSError, match="nothing was written"):
        stored.replace_with(np.zeros((2, 4), np.float32), np.zeros((2, 32), np.uint8))

    assert not list(tmp_path.iterdir())


def no_more(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "weights")


@pytest.mark.parametrize("what", ["models.storage.save_file", "numpy.savez"])
def test_a_disk_that_fills_up_leaves_no_part_of_a_file(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    run = RunRegistry(own_library).create(spec(seed=7))
    monkeypatch.setattr(what, no_more)

    with pytest.raises(OSError) as caught:
        execute(run, own_library)

    assert sentence(caught.value) == (
        "the disk is full, make room and do it again: weights; what was there is still there"
    )
    assert run.status().state == "failed"
    assert not [path for path in run.folder.rglob("*") if "tmp" in path.name]


def test_the_words_of_other_libraries_are_understood(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    with pytest.raises(OSError) as caught, written(tmp_path / "model"):
        raise SafetensorError("Error while serializing: I/O error: ... (os error 28)")

    assert caught.value.errno == errno.ENOSPC
    assert not (tmp_path / "model").exists()


def test_the_old_file_survives_the_limit_of_a_process(own_library: Settings) -> None:
    path = own_library.home / "tags.json"
    write_atomic(path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError) as caught:
            write_atomic(path, "new" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert "a file may not be so large here" in sentence(caught.value)
    assert path.read_text("utf-8") == "old"
    assert not list(own_library.home.glob(".tags*"))


def test_the_store_in_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file")

    with pytest.raises(StoreUnavailable, match="the index cannot be opened"):
        open_store(None, tmp_path / "index")


def test_codes_that_cannot_be_stored_leave_the_old_ones(
    done_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rows = done_run.load_codes("query")
    monkeypatch.setattr("pipeline.runs.results.swap_in", no_more)

    with pytest.raises(OSError, match="No space left"):
        done_run.save_codes("query", HashCodes(before.packed[:1], before.bits), rows[:1])

    assert np.array_equal(done_run.load_codes("query")[0].packed, before.packed)


@pytest.mark.slow
def test_a_small_disk_ends_in_a_sentence(own_library: Settings) -> None:
    """Needs a mounted tmpfs of some 40 MB in TMP_SMALL; see docs/trust.md."""
    import os

    small = os.environ.get("TMP_SMALL")
    if not small:
        pytest.skip("set TMP_SMALL to a small file system")
    home = Path(small) / "home"
    shutil.copytree(own_library.home, home, dirs_exist_ok=True)
    run = RunRegistry(own_library).all()[0].id

    for arguments in (("index", "publish", run), ("run", "--dataset", "shapes", "--again")):
        ended = python_m(home, *arguments)
        assert ended.returncode != 0
        assert "GB are needed" in ended.stderr + ended.stdout
        assert "Traceback" not in ended.stderr
