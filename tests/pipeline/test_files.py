"""Files are written whole or as before, and read once while they stay."""

import os
import time

import pytest

from pipeline.files import ParsedFiles, parsed, write_atomic


@pytest.mark.parametrize("content", ["Grüße\n", b"\x00\xff", ""])
@pytest.mark.parametrize("durable", [True, False])
def test_content_is_written_over_what_was_there(tmp_path, content, durable):
    path = tmp_path / "file"
    path.write_text("something much longer than the new content", "utf-8")

    write_atomic(path, content, durable=durable)

    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [entry.name for entry in tmp_path.glob("[!.]*")] == ["file"]


def test_a_failing_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    path.write_text("old", "utf-8")

    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")

    assert path.read_text("utf-8") == "old"


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "no" / "file", "text")


@pytest.fixture
def known():
    """What was parsed so far, and files that note it."""
    texts = []
    return texts, ParsedFiles(parsed(lambda text: texts.append(text) or int(text)), most=2)


def aged(path, content, seconds=60.0):
    """A file that was written that long ago."""
    write_atomic(path, content)
    moment = time.time() - seconds
    os.utime(path, (moment, moment))
    return path


def test_a_file_is_parsed_again_only_when_it_has_changed(tmp_path, known):
    texts, files = known
    path = aged(tmp_path / "a", "1")

    assert [files.read(path), files.read(path)] == [1, 1]
    assert files.read(aged(path, "2")) == 2
    assert texts == ["1", "2"]


def test_a_file_that_was_written_just_now_is_not_remembered(tmp_path, known):
    """Contents of the same length, written within a tick of the clock, cannot be told apart."""
    texts, files = known
    path = tmp_path / "a"

    for content in "123":
        path.write_text(content)
        os.utime(path, (moment := time.time() // 1, moment))
        assert files.read(path) == int(content)
    assert texts == ["1", "2", "3"]


def test_what_cannot_be_parsed_is_tried_again(tmp_path, known):
    texts, files = known
    path = aged(tmp_path / "a", "x")

    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            files.read(path)
    assert texts == ["x", "x"]


def test_not_more_files_than_asked_for_are_remembered(tmp_path, known):
    texts, files = known
    paths = [aged(tmp_path / name, name) for name in "123"]

    for path in (*paths, paths[2], paths[0]):
        files.read(path)

    assert texts == ["1", "2", "3", "1"]
