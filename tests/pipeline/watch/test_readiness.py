"""Readiness: what is not ready is named, in words that tell no path and no address."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

import pytest

from pipeline.index.store.base import StoreUnavailable
from pipeline.index.store.memory import MemoryCodeStore
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from pipeline.watch.readiness import READY, Readiness
from tests import factories


def unavailable() -> MemoryCodeStore:
    raise StoreUnavailable("no answer from http://secret.example:6333")


def readiness(settings: Settings, store=MemoryCodeStore, needs_worker: bool = True) -> Readiness:
    return Readiness(settings, store, needs_worker=needs_worker)


def test_a_library_with_an_index_that_answers_is_ready(library: Settings) -> None:
    assert readiness(library).checks() == {"data": READY, "index": READY, "worker": READY}
    assert readiness(library, needs_worker=False).checks() == {"data": READY, "index": READY}


def test_a_data_folder_that_is_gone_or_no_folder_is_named(own_library: Settings) -> None:
    checks = readiness(own_library)
    shutil.rmtree(own_library.runs_path)
    own_library.runs_path.write_text("not a folder")
    assert checks.checks()["data"] == "the data folder cannot be read: Not a directory"
    shutil.rmtree(own_library.home)

    assert not any(checks.passed().values())
    assert checks.checks()["data"] == "the data folder cannot be read: No such file or directory"
    assert str(own_library.home) not in str(checks.checks())


def test_a_folder_that_may_not_be_read_is_named(
    own_library: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)

    assert readiness(own_library).passed()["data"] is False


def test_an_index_that_does_not_answer_is_named_without_its_address(library: Settings) -> None:
    checks = readiness(library, unavailable)

    assert checks.checks()["index"] == "the index does not answer"
    assert checks.passed() == {"data": True, "index": False, "worker": True}


def test_queued_work_needs_a_worker_that_is_heard_of(own_library: Settings) -> None:
    checks = readiness(own_library)
    RunRegistry(own_library).create(factories.spec(bits=8))
    assert checks.checks()["worker"] == "work is queued and no worker is alive"
    workers = own_library.home / "workers"
    workers.mkdir()
    (workers / "host-1").touch()

    assert checks.checks()["worker"] == READY


def test_the_log_has_each_change_once(library: Settings, caplog: pytest.LogCaptureFixture) -> None:
    checks = readiness(library, unavailable)
    with caplog.at_level(logging.WARNING, "pipeline.watch"):
        checks.checks()
        checks.checks()

    assert caplog.messages == ["index: the index does not answer"]


def test_while_an_index_is_silent_others_get_what_was_found_last(library: Settings) -> None:
    asked, answers = threading.Event(), threading.Event()

    def silent() -> MemoryCodeStore:
        asked.set()
        assert answers.wait(10)
        return MemoryCodeStore()

    checks = readiness(library, silent)
    first = threading.Thread(target=checks.checks)
    first.start()
    assert asked.wait(10)

    assert checks.passed() == {"check": False}
    answers.set()
    first.join()
    assert checks.passed()["index"]
