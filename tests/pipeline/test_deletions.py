"""Deletions end: after a kill at any step the same call, or the next start, finishes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError, list_datasets
from pipeline.deletions import (
    delete_with_all,
    finish_deletions,
    is_executed,
    unfinished_deletions,
)
from pipeline.index.store.base import StoreUnavailable
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.worker import work
from tests.factories import python, python_m, wait_for_line


class Killed(BaseException):
    """What a kill is like, without another process."""


def die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["drop_index", "_remove_folders", "rmtree"])
@pytest.mark.parametrize("by", ["the same call", "the worker"])
def test_a_deletion_that_was_killed_is_finished(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch, step: str, by: str
) -> None:
    with monkeypatch.context() as patch:
        if step == "rmtree":
            patch.setattr(shutil, "rmtree", die)
        else:
            patch.setattr(f"pipeline.deletions.{step}", die)
        with pytest.raises(Killed):
            delete_with_all("shapes", own_library, MemoryCodeStore())
    assert unfinished_deletions(own_library) == ["shapes"]

    if by == "the worker":
        work(own_library, exit_when_idle=True)
    else:
        delete_with_all("shapes", own_library, MemoryCodeStore())
        finish_deletions(own_library, MemoryCodeStore)

    assert unfinished_deletions(own_library) == []
    assert list_datasets(own_library) == []
    assert RunRegistry(own_library).all() == []
    assert [path.name for path in own_library.datasets_path.iterdir()] == [".shapes.lock"]
    assert not any(own_library.runs_path.iterdir())


def test_a_store_that_does_not_answer_is_no_deletion(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("no answer")

    monkeypatch.setattr("pipeline.deletions.drop_index", refuse)

    with pytest.raises(StoreUnavailable):
        delete_with_all("shapes", own_library, MemoryCodeStore())

    assert unfinished_deletions(own_library) == []
    assert len(list_datasets(own_library)) == 1


def test_without_leftovers_no_store_is_opened(own_library: Settings) -> None:
    def opened() -> MemoryCodeStore:
        raise AssertionError("not needed")

    assert finish_deletions(own_library, opened) == []


def test_an_unknown_name_is_still_unknown(own_library: Settings) -> None:
    with pytest.raises(DatasetError, match="unknown data set 'shape'"):
        delete_with_all("shape", own_library, MemoryCodeStore())


def test_a_damaged_data_set_can_be_deleted_and_imported_again(
    own_library: Settings, image_folder: Path
) -> None:
    for name in ("manifest.parquet", "dataset.json"):
        (own_library.datasets_path / "shapes" / name).write_bytes(b"x")
    home = own_library.home

    deleted = python_m(home, "datasets", "delete", "shapes", "--yes")
    again = python_m(home, "datasets", "import", str(image_folder), "--name", "shapes")

    assert deleted.returncode == 0, deleted.stderr
    assert again.returncode == 0, again.stderr


TRAINING = """
import os, sys
from pathlib import Path
from pipeline.runs import run as runs
from pipeline.runs.experiment import plan, run_missing
from pipeline.settings import Settings
from tests.factories import spec

settings = Settings(home=Path(sys.argv[1]), threads=1, device="cpu")
log_epoch = runs.Run.log_epoch

def die_after_two(self, epoch, **measured):
    log_epoch(self, epoch, **measured)
    if epoch.epoch == 2:
        os.kill(os.getpid(), 9)

runs.Run.log_epoch = die_after_two
print("at work", flush=True)
run_missing(plan([spec(method="dpsh", config={"epochs": 3})], settings), settings)
"""


def test_a_killed_run_is_one_run_and_keeps_no_data_set(own_library: Settings) -> None:
    child = python(TRAINING, own_library.home)
    wait_for_line(child, "at work")
    child.communicate(timeout=60)
    [killed] = [run for run in RunRegistry(own_library).all() if run.spec.method == "dpsh"]
    assert killed.status().state == "running"
    arguments = ("--method", "dpsh", "--set", "epochs=3", "--bits", "16", "--backbone", "tiny")

    resumed = python_m(
        own_library.home, "run", "--dataset", "shapes", *arguments, "--labels", "class", "--again"
    )

    assert resumed.returncode == 0, resumed.stderr
    [run] = [run for run in RunRegistry(own_library).all() if run.spec.method == "dpsh"]
    assert run.id == killed.id
    assert (run.status().state, run.status().attempts) == ("done", 2)
    run.update(state="running")  # killed once more, as far as anyone can see
    assert not is_executed(run)
    delete_with_all("shapes", own_library, MemoryCodeStore())
