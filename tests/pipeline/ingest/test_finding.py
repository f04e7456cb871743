"""Names in label files find their one file, or none, and what was done is counted."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.ingest.finding import Finder
from pipeline.ingest.tree import File, FileTree

UPLOAD = "without the mark of Label Studio's upload"


def tree_of(*names: str) -> FileTree:
    def nothing() -> bytes:
        return b""

    return FileTree("set", tuple(File(name, 0, nothing, nothing, name) for name in sorted(names)))


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("files", "name", "found", "how"),
    [
        (["a/1.jpg"], "a/1.jpg", "a/1.jpg", ""),
        (["a/1.jpg"], "./a\\1.jpg", "a/1.jpg", ""),
        (["train/1.jpg"], "/data/coco/train/1.jpg", "train/1.jpg", ""),
        (["a/1.jpg"], "1.jpg", "a/1.jpg", ""),
        (["a/1.jpg"], "1", "a/1.jpg", ""),
        (["a/1.jpg", "b/1.jpg"], "1.jpg", None, ""),
        (["a/1.jpg", "a/1.png"], "1", None, ""),
        (["x/a/1.jpg", "x/b/1.jpg"], "/old/b/1.jpg", "x/b/1.jpg", "by the end of the path"),
        (["photos/1.jpg"], "C:\\old\\1.jpg", "photos/1.jpg", "by the end of the path"),
        (["a/2.jpg", "b/1.jpg"], "a/1.jpg", None, ""),
        (["1.jpg"], "a/../1.jpg", "1.jpg", ""),
        (["1.jpg"], "../../../1.jpg", "1.jpg", ""),
        (["1.jpg"], "..", None, ""),
        (["été.jpg"], decomposed("été.jpg"), "été.jpg", "with composed accents (NFC)"),
        ([decomposed("é/1.jpg")], "é/1.jpg", decomposed("é/1.jpg"), "with composed accents (NFC)"),
        (["a/1.jpg"], "/data/local-files/?d=set/a/1.jpg", "a/1.jpg", ""),
        (["a/1.jpg"], "https://host/a/1.jpg?token=x", "a/1.jpg", ""),
        (["a b.jpg"], "a%20b.jpg", "a b.jpg", "percent-decoded"),
        (["a%20b.jpg", "a b.jpg"], "a%20b.jpg", "a%20b.jpg", ""),
        (["1.JPG"], "1.jpg", "1.JPG", "by another case of the suffix"),
        (["1.jpg"], "img/1.Jpg", "1.jpg", "by another case of the suffix"),
        (["1.JPG", "1.jpg"], "1.Jpg", None, ""),
        (["1.jpg"], "1.jpeg", "1.jpg", "with another suffix"),
        (["a/1.PNG"], "old/1.jpg", "a/1.PNG", "with another suffix"),
        (["a/1.jpeg", "1.png"], "1.jpeg", "a/1.jpeg", ""),
        (["a/1.jpg", "b/1.png"], "1.gif", None, ""),
        (["1.csv"], "1.jpg", None, ""),
        (["1"], "1.jpg", None, ""),
        (["my cat.png"], "my+cat.png", "my cat.png", "with blanks for plus signs"),
        (["my+cat.png", "my cat.png"], "my+cat.png", "my+cat.png", ""),
        (["a+b c.png"], "a%2Bb+c.png", "a+b c.png", "with blanks for plus signs"),
        (["1.jpg"], "/data/upload/3/0a1b2c3d-1.jpg", "1.jpg", UPLOAD),
        (["0a1b2c3d-1.jpg", "1.jpg"], "0a1b2c3d-1.jpg", "0a1b2c3d-1.jpg", ""),
        (["1.jpg"], "holiday-1.jpg", None, ""),
        (["é 1.JPG"], decomposed("é%201.jpg"), "é 1.JPG", "by another case of the suffix"),
    ],
)
def test_a_name_finds_the_one_file_that_it_can_mean(
    files: list[str], name: str, found: str | None, how: str
) -> None:
    match = tree_of(*files).names.find(name)

    assert (match and match.file.name) == found
    assert match is None or match.how == how


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("../img/1.jpg", "set/img/1.jpg"),
        ("..\\img\\1.jpg", "set/img/1.jpg"),
        ("./../../img/1.jpg", "img/1.jpg"),
        ("../../../../img/1.jpg", "img/1.jpg"),
    ],
)
def test_two_dots_lead_up_from_the_folder_of_the_label_file(name: str, found: str) -> None:
    match = tree_of("set/img/1.jpg", "img/1.jpg", "b/img/1.jpg").names.find(name, "set/ann")

    assert match is not None
    assert (match.file.name, match.how) == (found, "")


@pytest.mark.parametrize(
    ("files", "number", "found"),
    [
        (["a/0007.png"], "7", "a/0007.png"),
        (["0007.png"], "7.0", "0007.png"),
        (["7.png"], "0007", "7.png"),
        (["0007.png", "07.png"], "7", None),
        (["0007.png"], "7.5", None),
        (["0007.png"], "-7", None),
        (["0007.png"], "x7", None),
        (["0007.csv"], "7", None),
    ],
)
def test_a_number_finds_the_only_image_that_is_called_so(
    files: list[str], number: str, found: str | None
) -> None:
    tree = tree_of(*files, "labels.csv")
    finder = Finder(tree)

    match = finder.find(number, tree.names.find("labels.csv").file)  # type: ignore[union-attr]

    assert (match and match.file.name) == found
    assert finder.notes == (["1 names found by number"] if found else [])


def test_the_folder_of_the_label_file_comes_first() -> None:
    match = tree_of("1.jpg", "a/1.jpg").names.find("1.jpg", "a")

    assert match is not None
    assert match.file.name == "a/1.jpg"


def test_a_finder_counts_what_it_did_and_lists_what_is_not_there() -> None:
    tree = tree_of("1.JPG", "2.JPG", "labels.csv")
    finder = Finder(tree)
    table = tree.files[-1]

    for name in ("1.jpg", "2.jpg", "2.JPG", "3.jpg"):
        finder.find(name, table)

    assert finder.notes == ["2 names found by another case of the suffix"]
    assert [tuple(problem)[:2] for problem in finder.problems] == [
        ("3.jpg", "named in labels.csv, not there")
    ]
