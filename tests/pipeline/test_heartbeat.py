"""Heartbeats go on while a block runs, and stop with it."""

import threading
import time

import pytest

from pipeline.heartbeat import beating, silent_for_s


def test_a_file_that_was_never_touched_has_no_age(tmp_path):
    assert silent_for_s(tmp_path / "heartbeat") is None


def test_it_beats_while_the_block_is_silent_and_not_afterwards(tmp_path):
    path = tmp_path / "heartbeat"

    with beating(path, every_s=0.02):
        first = path.stat().st_mtime_ns
        time.sleep(0.2)
        last = path.stat().st_mtime_ns
    assert last > first

    ended = path.stat().st_mtime_ns
    time.sleep(0.1)
    assert path.stat().st_mtime_ns == ended
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_an_error_ends_it_and_a_deleted_folder_does_not_matter(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()

    with pytest.raises(KeyError), beating(folder / "heartbeat", every_s=0.01):
        (folder / "heartbeat").unlink()
        folder.rmdir()
        time.sleep(0.05)
        raise KeyError
    assert not folder.exists()
