"""LabelMe files whose images lie elsewhere, were renamed, or whose parts are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put


def opened(root: Path, images: list[str], files: dict[str, Any]) -> Source:
    for name, one in zip(images, pictures(len(images)), strict=True):
        put(root, name, one.content)
    for name, content in files.items():
        put(root, name, json.dumps(content))
    return open_files(SourceRequest(name="set", path=root)).source


def labels_of(source: Source) -> dict[str, tuple[str, ...]]:
    return {item.image_id: item.labels.get("objects", ()) for item in source.items}


def shapes(path: Any, *labels: Any, **more: Any) -> dict[str, Any]:
    return {"shapes": [{"label": label} for label in labels], "imagePath": path, **more}


@pytest.mark.parametrize("path", ["../img/{}", "..\\img\\{}", "./../img/{}"])
def test_paths_lead_from_the_json_file_to_its_image(tmp_path: Path, path: str) -> None:
    """Equal names in two places, as sessions have them."""
    files = {
        f"{place}/ann/1.json": shapes(path.format("1.png"), label)
        for place, label in (("a", "cat"), ("b", "dog"))
    }

    source = opened(tmp_path / "set", ["a/img/1.png", "b/img/1.png"], files)

    assert labels_of(source) == {"a/img/1.png": ("cat",), "b/img/1.png": ("dog",)}
    assert not source.notes


def test_a_path_of_another_machine_means_the_image_beside_the_file(tmp_path: Path) -> None:
    files = {
        f"{place}/1.json": shapes("C:\\old\\1.png", label)
        for place, label in (("a", "cat"), ("b", "dog"))
    }

    source = opened(tmp_path / "set", ["a/1.png", "b/1.png"], files)

    assert labels_of(source) == {"a/1.png": ("cat",), "b/1.png": ("dog",)}


@pytest.mark.parametrize("path", ["IMG_7.jpg", None, ""])
def test_a_file_whose_image_was_renamed_with_it_goes_by_its_own_name(
    tmp_path: Path, path: str | None
) -> None:
    files = {"1.json": shapes(path, "cat"), "gone.json": shapes(path, "dog")}

    source = opened(tmp_path / "set", ["1.png"], files)

    assert labels_of(source) == {"1.png": ("cat",)}
    assert "1 images found by the name of their JSON file" in " ".join(source.notes)
    assert ("IMG_7.jpg" if path else "gone.json") in {problem.file for problem in source.problems}


@pytest.mark.parametrize(
    ("changed", "labels", "reason"),
    [
        ({"flags": ["wild"]}, ("cat",), '1 flags are no objects, such as ["wild"]'),
        ({"flags": {"wild": True, "old": False}}, ("cat", "wild"), ""),
        ({"shapes": [{"label": "cat"}, None, "dog"]}, ("cat",), "2 shapes are no objects"),
        ({"shapes": [{"label": "cat"}, {"label": None}, {}]}, ("cat",), ""),
        ({"flags": None}, ("cat",), ""),
    ],
)
def test_what_is_damaged_in_a_file_costs_itself(
    tmp_path: Path, changed: dict[str, Any], labels: tuple[str, ...], reason: str
) -> None:
    source = opened(tmp_path / "set", ["1.png"], {"1.json": {**shapes("1.png", "cat"), **changed}})

    assert labels_of(source) == {"1.png": labels}
    assert len(source.problems) == bool(reason)
    assert reason in str([problem.reason for problem in source.problems])
