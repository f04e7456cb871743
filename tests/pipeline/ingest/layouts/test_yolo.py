"""YOLO: which file names the classes, folders in any case, and numbers as programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put

BOX = "0.5 0.5 0.25 1"
LABELS = {"labels/0.txt": f"0 {BOX}", "labels/1.txt": f"1 {BOX}"}


def opened(root: Path, files: dict[str, str], images: tuple[str, ...] = ()) -> Source:
    names = images or ("images/0.png", "images/1.png")
    for name, one in zip(names, pictures(len(names)), strict=True):
        put(root, name, one.content)
    for name, content in files.items():
        put(root, name, content)
    found = open_files(SourceRequest(name="set", path=root))
    assert found.guesses[0].layout == "yolo"
    return found.source


def labels_of(source: Source) -> list[str]:
    return [" ".join(item.labels["objects"]) for item in source.items]


@pytest.mark.parametrize(
    ("files", "labels"),
    [
        ({"data.yaml": "names: [cat, dog]"}, ["cat", "dog"]),
        ({"data.yaml": "names: {0: cat, 1: dog}"}, ["cat", "dog"]),
        ({"data.yaml": 'names:\n  "0": cat\n  "1": dog\n'}, ["cat", "dog"]),
        ({"data.yaml": "names: {cat: 0, dog: 1}"}, ["cat", "dog"]),
        ({"data.yaml": "names: {1: dog, 0: cat, 5: cow}"}, ["cat", "dog"]),
        ({"data.yaml": "names: [no, yes]"}, ["no", "yes"]),
        ({"data.yaml": "names: [1e3, 2020-01-01]"}, ["1e3", "2020-01-01"]),
        ({"my set.yml": "names: [cat, dog]"}, ["cat", "dog"]),
        ({"args.yaml": "names: run", "data.yaml": "names: [cat, dog]"}, ["cat", "dog"]),
        ({"args.yaml": "names: run", "z.yaml": "names: [cat, dog]"}, ["cat", "dog"]),
        ({"a.yaml": "names: [x, y]", "dataset.yaml": "names: [cat, dog]"}, ["cat", "dog"]),
        ({"a.yaml": "names: [", "data.yaml": "names: [cat, dog]"}, ["cat", "dog"]),
        ({"args.yaml": "names: 3", "labels/classes.txt": "cat\ndog\n"}, ["cat", "dog"]),
        ({"hooks.yaml": "!!python/object:os.system [x]"}, ["class 0", "class 1"]),
    ],
)
def test_the_names_are_those_of_the_file_that_lists_them(
    tmp_path: Path, files: dict[str, str], labels: list[str]
) -> None:
    source = opened(tmp_path / "set", {**LABELS, **files})

    assert labels_of(source) == labels
    assert not source.warnings


@pytest.mark.parametrize("names", ["cat", "3", "[[cat], [dog]]"])
def test_names_that_are_no_list_are_said_where_there_are_no_others(
    tmp_path: Path, names: str
) -> None:
    source = opened(tmp_path / "set", {**LABELS, "data.yaml": f"names: {names}"})

    assert labels_of(source) == ["class 0", "class 1"]
    assert "data.yaml is not used: its names are" in " ".join(source.warnings)


@pytest.mark.parametrize("first", ["cat\ndog\n", "dog\ncat\n"])
def test_each_list_of_classes_is_for_the_boxes_beside_and_below_it(
    tmp_path: Path, first: str
) -> None:
    """As labelImg writes them, in the order in which each folder's classes came up."""
    files = {
        "train/classes.txt": first,
        "train/a/0.txt": f"0 {BOX}",
        "test/classes.txt": "dog\ncat\n",
        "test/0.txt": f"0 {BOX}",
    }

    source = opened(tmp_path / "set", files, ("test/0.png", "train/a/0.png"))

    assert labels_of(source) == ["dog", first.split()[0]]


def test_lists_that_differ_and_lie_apart_from_the_boxes_are_an_error_that_names_both(
    tmp_path: Path,
) -> None:
    files = {**LABELS, "a/classes.txt": "cat\ndog\n", "b/classes.txt": "dog\ncat\n"}

    with pytest.raises(DatasetError, match=r"a/classes\.txt and b/classes\.txt name classes diff"):
        opened(tmp_path / "set", files)

    put(tmp_path / "set", "b/classes.txt", "cat\ndog\n")
    assert labels_of(opened(tmp_path / "set", {})) == ["cat", "dog"]


def test_a_class_without_a_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"data\.yaml names 1 of 2 classes"):
        opened(tmp_path / "set", {**LABELS, "data.yaml": "names: {0: cat, 7: dog}"})


@pytest.mark.parametrize(
    ("images", "boxes"),
    [
        ("images/{}.png", "labels/{}.txt"),
        ("Images/{}.png", "Labels/{}.txt"),
        ("IMAGES/train/{}.png", "labels/train/{}.txt"),
        ("train/images/{}.png", "train/labels/{}.txt"),
        ("image/{}.png", "label/{}.txt"),
        ("img/{}.png", "img/{}.txt"),
    ],
)
@pytest.mark.parametrize("number", ["{}", "{}.0", "{}.000000"])
def test_boxes_are_found_in_folders_of_any_case_with_numbers_of_any_form(
    tmp_path: Path, images: str, boxes: str, number: str
) -> None:
    files = {boxes.format(i): f"{number.format(i)} {BOX}" for i in (0, 1)}

    source = opened(
        tmp_path / "set",
        {**files, "data.yaml": "names: [cat, dog]"},
        (images.format(0), images.format(1)),
    )

    assert labels_of(source) == ["cat", "dog"]
