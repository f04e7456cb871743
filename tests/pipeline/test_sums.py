"""Damage is seen, and sums are kept of what is there alone, by many at once and after kills."""

import hashlib
import threading

import pytest

from pipeline import sums
from pipeline.files import write_atomic
from pipeline.sums import SUMS, check_sum, move, noted_sums, read_checked, remove, tidy_sums
from tests.factories import kill, python, wait_for_line


def test_sums_of_earlier_contents_do_not_pile_up(tmp_path):
    for number in range(200):
        write_atomic(tmp_path / "a", str(number))

    assert (tmp_path / SUMS).stat().st_size < 2 * sums._GROWTH
    assert read_checked(tmp_path / "a") == b"199"


def test_what_is_removed_leaves_nothing(tmp_path):
    write_atomic(tmp_path / "query", "a picture")
    write_atomic(tmp_path / "other", "another")

    remove(tmp_path / "query")
    remove(tmp_path / "query")  # is gone already

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert hashlib.sha256(b"a picture").hexdigest().encode() not in stored
    assert b"query" not in stored
    assert check_sum(tmp_path / "other")


def test_sums_of_files_that_others_have_removed_go_when_the_library_is_tidied(tmp_path):
    for name in ("gone", "here"):
        write_atomic(tmp_path / name, "1")
        write_atomic(tmp_path / name, "2")
    (tmp_path / "gone").unlink()

    tidy_sums(tmp_path)

    assert noted_sums(tmp_path) == {"here": {hashlib.sha256(b"2").hexdigest()}}


def test_a_damaged_file_stays_damaged_when_sums_are_tidied(tmp_path):
    for content in "12":
        write_atomic(tmp_path / "a", content)
    (tmp_path / "a").write_text("x")

    tidy_sums(tmp_path)

    with pytest.raises(ValueError, match="not those that were written"):
        read_checked(tmp_path / "a")


def test_a_file_that_moves_keeps_its_sums(tmp_path):
    for name in "ab":
        write_atomic(tmp_path / name, name)

    move(tmp_path / "a", tmp_path / "b")

    assert read_checked(tmp_path / "b") == b"a"
    assert "a" not in noted_sums(tmp_path)


KILLED = """
import sys
from pathlib import Path
from pipeline.files import write_atomic

def waits(*_):
    print("noted", flush=True)
    sys.stdin.read()

Path.replace = waits
write_atomic(Path(sys.argv[1]), "new")
"""


def test_a_kill_between_the_sum_and_the_file_leaves_the_old_content(tmp_path):
    write_atomic(tmp_path / "a", "old")
    child = python(KILLED, tmp_path / "a")
    wait_for_line(child, "noted")
    assert len(noted_sums(tmp_path)["a"]) == 2
    kill(child)

    tidy_sums(tmp_path)

    assert read_checked(tmp_path / "a") == b"old"
    assert len(noted_sums(tmp_path)["a"]) == 1


def test_readers_and_writers_at_once_see_no_damage(tmp_path, monkeypatch):
    """With sums that are tidied all the time, a reader may find the old content and the new sum."""
    monkeypatch.setattr(sums, "_GROWTH", 100)
    wrong, is_over = [], threading.Event()

    def writes(name):
        for number in range(150):
            write_atomic(tmp_path / name, str(number) * 50, durable=False, is_noted=True)

    def reads():
        while not is_over.is_set():
            for name in "ab":
                try:
                    read_checked(tmp_path / name)
                    check_sum(tmp_path / name)
                except ValueError as error:
                    wrong.append(error)

    for name in "ab":
        write_atomic(tmp_path / name, "0")
    reader = threading.Thread(target=reads)
    writers = [threading.Thread(target=writes, args=(name,)) for name in "aab"]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    is_over.set()
    reader.join()

    assert wrong == []
    assert all(check_sum(tmp_path / name) for name in "ab")
