"""Label Studio exports of all versions, with tasks that are not done, or damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import Opened, open_files
from tests.layout_writers import pictures, put, put_images

CAT = [{"value": {"choices": ["cat"]}}]


def opened(root: Path, tasks: list[Any]) -> Opened:
    put_images(root, pictures(2), "img")
    put(root, "project.json", json.dumps(tasks))
    return open_files(SourceRequest(name="set", path=root))


def task(name: str, result: Any, key: str = "annotations", **more: Any) -> dict[str, Any]:
    return {"data": {"image": name}, key: [{"result": result}], **more}


def labels_of(found: Opened) -> dict[str, tuple[str, ...]]:
    assert found.guesses[0].layout == "label_studio"
    return {item.image_id[4:]: item.labels["class"] for item in found.source.items}


def value(**given: Any) -> list[dict[str, Any]]:
    return [{"value": given}]


@pytest.mark.parametrize(
    ("result", "labels"),
    [
        (value(choices=["cat", "pet"]), ("cat", "pet")),
        (value(choices="cat"), ("cat",)),
        (value(rectanglelabels=["cat"], x=1), ("cat",)),
        (value(taxonomy=[["animal", "cat"], ["animal", "dog"]]), ("animal / cat", "animal / dog")),
        (value(taxonomy=[["cat"]]), ("cat",)),
        (value(text=["a note"]), ()),
        ([{"type": "relation", "from_id": "a"}], ()),
        (value(choices=[None, "cat"]), ("cat",)),
        (None, ()),
        ([{"value": None}], ()),
    ],
)
def test_labels_of_a_result(tmp_path: Path, result: Any, labels: tuple[str, ...]) -> None:
    assert labels_of(opened(tmp_path / "set", [task("000.png", result)])) == {"000.png": labels}


def test_completions_of_old_versions_are_annotations(tmp_path: Path) -> None:
    found = opened(tmp_path / "set", [task("000.png", CAT, "completions")])

    assert labels_of(found) == {"000.png": ("cat",)}


def test_tasks_that_are_left_to_do_do_not_hide_the_others(tmp_path: Path) -> None:
    found = opened(tmp_path / "set", [{"data": {"image": "001.png"}}, task("000.png", CAT)])

    assert labels_of(found) == {"000.png": ("cat",), "001.png": ()}


def test_uploads_are_found_without_the_mark_that_label_studio_puts_in_front(
    tmp_path: Path,
) -> None:
    found = opened(tmp_path / "set", [task("/data/upload/1/0a1b2c3d-000.png", CAT)])

    assert labels_of(found) == {"000.png": ("cat",)}
    assert found.source.notes == ("1 names found without the mark of Label Studio's upload",)


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        ("x", '1 tasks are no objects, such as "x"'),
        ({"data": None, "annotations": []}, "1 tasks name no image in their data"),
        ({"data": "001.png", "annotations": []}, "1 data of tasks are no objects"),
        ({"data": {"images": ["000.png", "001.png"]}, "annotations": []}, "name no image"),
        (task("001.png", [1]), "1 results are no objects, such as 1"),
        (task("001.png", [{"value": [1]}]), "1 values of results are no objects"),
        ({"data": {"image": "001.png"}, "annotations": [12]}, "1 annotations are no objects"),
    ],
)
def test_what_is_damaged_in_an_export_costs_itself(
    tmp_path: Path, damaged: Any, reason: str
) -> None:
    found = opened(tmp_path / "set", [damaged, task("000.png", CAT)])

    assert labels_of(found)["000.png"] == ("cat",)
    assert reason in str([problem.reason for problem in found.source.problems])
