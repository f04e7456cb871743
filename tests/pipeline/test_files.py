"""write_atomic: complete or as before."""

import pytest

from pipeline.files import write_atomic


@pytest.mark.parametrize("content", ["Grüße\n", b"\x00\xff", ""])
@pytest.mark.parametrize("durable", [True, False])
def test_content_is_written_over_what_was_there(tmp_path, content, durable):
    path = tmp_path / "file"
    path.write_text("something much longer than the new content", "utf-8")

    write_atomic(path, content, durable=durable)

    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_failing_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    path.write_text("old", "utf-8")

    with pytest.raises(UnicodeEncodeError):
        write_atomic(path, "\ud800")

    assert path.read_text("utf-8") == "old"


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "no" / "file", "text")
