"""The files of a folder as a tree: links, pipes and names."""

import os
import sys

import pytest

from pipeline.datasets.problems import Problem
from pipeline.ingest.sources import SourceRequest, open_source
from tests.factories import imported, png
from tests.pipeline.ingest.class_folders import source_of, write


def cache_of_links(root):
    """Files under their hashes, and a folder of links to them, as caches of downloads have it."""
    write(root, "blobs/00", "blobs/01")
    for name, blob in (("cat/1.png", "00"), ("dog/2.png", "01")):
        link = root / "snapshot" / name
        link.parent.mkdir(parents=True)
        link.symlink_to(f"../../blobs/{blob}")
    return root / "snapshot"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such files")
def test_pipes_and_links_to_folders_are_not_followed(tmp_path):
    root = write(tmp_path / "r", "cat/1.png", "dog/2.png")
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "device.png").symlink_to("/dev/zero")
    (root / "cat" / "circle.png").symlink_to(root / "cat" / "circle.png")
    (root / "loop").symlink_to(root)

    source = source_of(root)

    assert len(source.items) == 2
    assert {problem.file: problem.reason for problem in source.problems} == {
        "cat/pipe.png": "not a regular file",
        "cat/device.png": "a symbolic link to what is no regular file",
        "cat/circle.png": "a symbolic link to a file that does not exist",
        "loop": "a symbolic link to a folder, not followed; import that folder itself",
    }


def test_links_to_files_are_read_and_counted_once(tmp_path, settings):
    root = cache_of_links(tmp_path)

    source = source_of(root)
    dataset = imported(root, settings)

    assert [(item.image_id, item.text) for item in source.items] == [
        ("cat/1.png", "1"),
        ("dog/2.png", "2"),
    ]
    assert source.problems == (
        Problem("snapshot", "2 symbolic links to files were followed", "noted"),
    )
    assert dataset.load_image(1).getpixel((0, 0)) == (1, 0, 0)


def test_links_out_of_allowed_folders_are_refused(tmp_path):
    root = cache_of_links(tmp_path / "allowed")
    (root / "cat" / "other.png").symlink_to(write(tmp_path, "secret.png") / "secret.png")

    source = open_source(
        "folder", SourceRequest(path=root, link_roots=((tmp_path / "allowed").resolve(),))
    )

    assert len(source.items) == 2
    refused = {p.file: p.reason for p in source.problems if p.action == "skipped"}
    assert refused == {
        "cat/other.png": "a symbolic link that leaves the folders allowed for import"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_name_that_is_no_text_is_a_problem_and_not_the_end(tmp_path, settings):
    root = write(tmp_path / "r", "cat/1.png")
    (root / "cat" / os.fsdecode(b"caf\xe9.png")).write_bytes(png((9, 9, 9)))

    dataset = imported(root, settings)

    assert list(dataset.manifest["image_id"]) == ["cat/1.png"]
    problems = (dataset.folder / "problems.csv").read_text("utf-8")
    assert "cat/caf\\udce9.png,the file name is not valid UTF-8" in problems
