"""FiftyOne exports in their several forms: classes by number, samples in lines, a field `split`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put, put_images


def opened(root: Path, name: str, content: str) -> Source:
    put_images(root, pictures(2), "data")
    put(root, name, content)
    found = open_files(SourceRequest(name="set", path=root))
    assert found.guesses[0].layout == "fiftyone"
    return found.source


def labels_of(source: Source) -> list[tuple[str, ...]]:
    return [next(iter(item.labels.values()), ()) for item in source.items]


def sample(number: int, label: Any, **more: Any) -> dict[str, Any]:
    truth = {"_cls": "Classification", "label": label}
    return {"filepath": f"data/{number:03d}.png", "truth": truth, "tags": [], **more}


@pytest.mark.parametrize(
    ("classes", "values", "labels"),
    [
        (["cat", "dog"], (0, 1), ["cat", "dog"]),
        (["cat", "dog"], (0.0, 1.0), ["cat", "dog"]),
        ({"0": "cat", "1": "dog"}, (0, 1), ["cat", "dog"]),
        ({"cat": 0, "dog": 1}, (0, 1), ["cat", "dog"]),
        (None, ("cat", "dog"), ["cat", "dog"]),
        (["cat", "dog"], ({"label": 1, "confidence": 0.5}, {"label": 0}), ["dog", "cat"]),
        (["cat", "dog"], (7, True), ["7", "True"]),
    ],
)
def test_numbers_are_named_by_the_classes(
    tmp_path: Path, classes: Any, values: tuple[Any, Any], labels: list[str]
) -> None:
    document = {"classes": classes, "labels": {"000": values[0], "001": values[1]}}

    source = opened(tmp_path / "set", "labels.json", json.dumps(document))

    assert labels_of(source) == [(label,) for label in labels]
    assert not source.problems


def test_classes_that_are_no_list_leave_the_numbers(tmp_path: Path) -> None:
    document = {"classes": "ab", "labels": {"000": 0, "001": {"x": 1}}}

    source = opened(tmp_path / "set", "labels.json", json.dumps(document))

    assert labels_of(source) == [("0",), ()]
    assert "1 lists of classes are no objects" in str(source.problems)


@pytest.mark.parametrize("name", ["samples.ndjson", "samples.jsonl"])
def test_samples_may_be_one_to_a_line_and_a_damaged_line_costs_itself(
    tmp_path: Path, name: str
) -> None:
    lines = [json.dumps(sample(0, "cat")), '{"filepath": ', json.dumps(sample(1, "dog"))]

    source = opened(tmp_path / "set", name, "\n".join(lines))

    assert labels_of(source) == [("cat",), ("dog",)]
    assert "1 samples are no objects" in source.problems[0].reason


@pytest.mark.parametrize(
    ("first", "second", "split"),
    [
        ({"split": "train"}, {"split": "test"}, ["train", "query"]),
        ({"tags": ["train"]}, {"tags": ["test", "night"]}, ["train", "query"]),
        ({"tags": ["train"], "split": "x"}, {"tags": ["test"], "split": "y"}, ["train", "query"]),
        ({"tags": None}, {"split": 3}, ["", ""]),
    ],
)
def test_the_part_is_that_of_the_tags_or_of_the_field_split(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], split: list[str]
) -> None:
    samples = [sample(0, "cat", **first), sample(1, "dog", **second)]

    source = opened(tmp_path / "set", "samples.json", json.dumps({"samples": samples}))

    assert [item.split for item in source.items] == split


def test_samples_that_are_damaged_cost_themselves(tmp_path: Path) -> None:
    samples = [None, sample(0, "cat", notes=None), sample(1, None), {"filepath": 3}]

    source = opened(tmp_path / "set", "samples.json", json.dumps({"samples": samples}))

    assert labels_of(source) == [("cat",), ()]
    assert {(problem.file, problem.action) for problem in source.problems} == {
        ("samples.json", "noted"),
        ("sample", "skipped"),
    }
