"""Backups: whole, by hash, while the library is in use, and restored whole or not at all."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from pipeline.annotations.tags import Tags
from pipeline.backup.backup import BackupError, back_up, list_backups, read_backup, restore, verify
from pipeline.datasets.dataset import load_dataset
from pipeline.doctor.doctor import examine, repair
from pipeline.files import write_atomic
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.library_version import LibraryVersion, check_version, read_version
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.factories import python_m


def contents(home: Path) -> dict[str, bytes]:
    names = ("datasets", "features", "runs", "baselines", "tags")
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for name in names
        for path in (home / name).rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.name not in ("heartbeat", ".lock")
    }


def test_a_restored_library_is_the_same_and_indexes_come_back(
    own_library: Settings, tmp_path: Path
) -> None:
    dataset, run = load_dataset("shapes", own_library), RunRegistry(own_library).all()[0]
    store = open_store(None, own_library.index_path)
    publish(run, dataset, store)
    store.close()
    Tags.of("shapes", own_library).put(dataset.manifest["sha256"].tolist()[:1], "review")

    record = back_up(own_library, tmp_path / "backups")
    other = Settings(home=tmp_path / "other", threads=1)
    restore(record, other)

    assert contents(other.home) == contents(own_library.home)
    problems = examine(other).problems
    assert {problem.path.split("/")[0] for problem in problems} == {"index"}
    assert set(repair(problems).values()) == {""}
    assert examine(other).problems == []


def test_a_second_backup_copies_what_is_new_alone(own_library: Settings, tmp_path: Path) -> None:
    to = tmp_path / "backups"
    first = back_up(own_library, to)
    before = {path for path in (to / "objects").rglob("*") if path.is_file()}
    Tags.of("shapes", own_library).put(["0" * 64], "new")

    second = back_up(own_library, to)

    after = {path for path in (to / "objects").rglob("*") if path.is_file()}
    assert len(after - before) == 2  # the tags and their sums
    assert list_backups(to) == [second, first]
    assert verify(first) == verify(second) == []


def test_a_backup_taken_while_files_are_replaced_is_whole(
    own_library: Settings, tmp_path: Path
) -> None:
    stop = threading.Event()
    path = own_library.home / "reports" / "shapes.json"
    path.parent.mkdir()

    def keep_writing() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            write_atomic(path, str(number % 10) * 5000, durable=False, is_noted=True)

    write_atomic(path, "0" * 5000)
    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        record = back_up(own_library, tmp_path / "backups")
    finally:
        stop.set()
        writer.join()
    other = Settings(home=tmp_path / "other")
    restore(record, other)

    written = (other.home / "reports" / "shapes.json").read_text("utf-8")
    assert len(written) == 5000
    assert len(set(written)) == 1


def test_a_damaged_backup_restores_nothing(own_library: Settings, tmp_path: Path) -> None:
    record = back_up(own_library, tmp_path / "backups")
    stored = read_backup(record).files["datasets/shapes/dataset.json"]
    damaged = tmp_path / "backups" / "objects" / stored.sha256[:2] / stored.sha256
    damaged.write_bytes(damaged.read_bytes()[:-1])

    with pytest.raises(BackupError, match="choose another backup"):
        restore(record, Settings(home=tmp_path / "other"))

    assert not (tmp_path / "other").exists()
    assert not list(tmp_path.glob(".other*"))
    assert verify(record) == ["datasets/shapes/dataset.json: its content has changed in the backup"]


def test_what_cannot_be_done_is_said(own_library: Settings, tmp_path: Path) -> None:
    record = back_up(own_library, tmp_path / "backups")

    with pytest.raises(BackupError, match="is not empty"):
        restore(record, own_library)
    with pytest.raises(BackupError, match="lies in the library"):
        back_up(own_library, own_library.home / "backups")
    record.write_text(record.read_text("utf-8").replace("datasets/", "../datasets/", 1), "utf-8")
    with pytest.raises(BackupError, match="its bytes are not those that were written"):
        restore(record, Settings(home=tmp_path / "other"))
    (record.parent / ".sums").unlink()
    with pytest.raises(BackupError, match="outside of the library"):
        restore(record, Settings(home=tmp_path / "other"))


def test_a_newer_library_is_refused_and_an_older_one_migrated(own_library: Settings) -> None:
    assert read_version(own_library) == 0
    check_version(own_library)
    assert read_version(own_library) == 1
    path = own_library.home / "version.json"
    path.write_text('{"version": 2}', "utf-8")

    with pytest.raises(LibraryVersion, match="is a library of version 2, this HashLens reads 1"):
        check_version(own_library)
    assert "use a newer HashLens" in python_m(own_library.home, "datasets", "list").stderr
    path.write_text("{", "utf-8")
    with pytest.raises(LibraryVersion, match=r"version.json is damaged .*; write"):
        check_version(own_library)


def test_the_commands_back_up_and_restore(own_library: Settings, tmp_path: Path) -> None:
    made = python_m(own_library.home, "backup", "create", str(tmp_path / "backups"))
    [record] = list_backups(tmp_path / "backups")
    shutil.rmtree(own_library.home)

    assert made.returncode == 0, made.stderr
    assert python_m(own_library.home, "backup", "verify", str(record)).returncode == 0
    assert python_m(own_library.home, "backup", "restore", str(record)).returncode == 0
    assert "shapes" in python_m(own_library.home, "datasets", "list").stdout
