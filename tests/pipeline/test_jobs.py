"""Jobs: hearts that beat while a block runs, stops by old and new names, progress in a status."""

import os
import threading
import time
from pathlib import Path

import pytest
from pydantic import BaseModel

from models.errors import Cancelled
from pipeline import jobs
from pipeline.jobs import LOST_AFTER_S, beating, is_silent, silent_for_s
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


def test_a_process_is_given_up_after_the_same_silence_everywhere(tmp_path):
    path = tmp_path / "heartbeat"
    assert is_silent(path)

    path.touch()
    assert not is_silent(path)
    long_ago = time.time() - LOST_AFTER_S - 1
    os.utime(path, (long_ago, long_ago))

    assert is_silent(path)
    assert not is_silent(path, limit_s=LOST_AFTER_S + 10)


@pytest.mark.parametrize("name", ["stop", "cancel"])
def test_a_stop_is_understood_by_the_name_of_every_version(tmp_path, name):
    jobs.check_stop(tmp_path, "run 1")
    (tmp_path / name).touch()

    with pytest.raises(Cancelled, match="run 1 was stopped"):
        jobs.check_stop(tmp_path, "run 1")
    jobs.forget_stop(tmp_path)

    assert not jobs.is_stopping(tmp_path)
    assert list(tmp_path.iterdir()) == []


class Status(BaseModel):
    state: str


def test_what_is_written_is_read_and_fields_of_other_versions_are_left_out(tmp_path):
    jobs.write(tmp_path / "status.json", Status(state="done"))
    assert jobs.read(tmp_path / "status.json", Status) == Status(state="done")

    (tmp_path / "status.json").write_text('{"state": "done", "mood": "good"}', "utf-8")
    assert jobs.read(tmp_path / "status.json", Status) == Status(state="done")
    for text in ("{", "{}"):
        (tmp_path / "status.json").write_text(text, "utf-8")
        with pytest.raises(jobs.JobError, match=r"status\.json of job .* is damaged"):
            jobs.read(tmp_path / "status.json", Status)


def test_progress_is_written_now_and_then_and_at_the_end_and_a_stop_is_obeyed(tmp_path):
    written: list[int] = []
    note = jobs.Reporter(tmp_path, "import 1", lambda done, total: written.append(done))

    for done in range(1, 101):
        note(done, 100)
    jobs.request_stop(tmp_path)

    assert written == [1, 100]
    with pytest.raises(Cancelled, match="import 1"):
        note(1, 100)
