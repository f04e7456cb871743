"""Heartbeats go on while a block runs, and stop with it."""

import threading
from pathlib import Path

import pytest

from pipeline.heartbeat import beating, silent_for_s
from tests.factories import wait_until


def test_a_file_that_was_never_touched_has_no_age(tmp_path):
    assert silent_for_s(tmp_path / "heartbeat") is None


def test_it_beats_while_the_block_is_silent_and_not_afterwards(tmp_path):
    path = tmp_path / "heartbeat"

    with beating(path, every_s=0.02):
        first = path.stat().st_mtime_ns
        wait_until(lambda: path.stat().st_mtime_ns > first)
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_an_error_ends_it_and_a_deleted_folder_does_not_matter(tmp_path, monkeypatch):
    folder, beats = tmp_path / "run", []
    folder.mkdir()
    touch = Path.touch

    def counted(path):
        beats.append(path)
        touch(path)

    monkeypatch.setattr(Path, "touch", counted)

    with pytest.raises(KeyError), beating(folder / "heartbeat", every_s=0.01):
        (folder / "heartbeat").unlink()
        folder.rmdir()
        n_before = len(beats)
        wait_until(lambda: len(beats) > n_before + 1)  # one that failed, and another after it
        raise KeyError
    assert not folder.exists()
