"""Label files in which any one value is of another kind: they are read, or refused by name."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest import layouts
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.tree import File, FileTree
from tests.factories import png

ODD = (None, 7, 0.5, True, "", "x", [], ["x"], [None], {}, {"x": None}, [[]], [{}])
SHAPES = [{"label": "cat", "points": [[0, 1]]}]
RESULT = {"type": "choices", "value": {"choices": ["cat"], "taxonomy": [["animal", "cat"]]}}
DOCUMENTS: dict[str, Any] = {
    "coco": {
        "images": [{"id": 1, "file_name": "1.png"}],
        "annotations": [
            {"image_id": 1, "category_id": 2, "iscrowd": 0},
            {"image_id": 1, "segments_info": [{"category_id": 2}]},
        ],
        "categories": [{"id": 2, "name": "cat"}],
    },
    "labelme": {"shapes": SHAPES, "flags": {"wild": True}, "imagePath": "1.png"},
    "label_studio": [
        {"data": {"image": "1.png"}, "annotations": [{"result": [RESULT], "was_cancelled": False}]}
    ],
    "fiftyone": {"classes": ["cat"], "labels": {"1": 0}},
    "fiftyone, boxes": {"classes": {"0": "cat"}, "labels": {"1": [{"label": 0}]}},
    "fiftyone, samples": {
        "samples": [
            {
                "filepath": "1.png",
                "tags": ["train"],
                "split": "train",
                "truth": {"_cls": "Classification", "label": "cat"},
                "boxes": {"detections": [{"label": "cat"}]},
            }
        ]
    },
}


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys that lead to every value in a document."""
    yield above
    pairs = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else pairs:
        yield from places(inner, (*above, key))


def replaced(document: Any, place: tuple[Any, ...], odd: Any) -> Any:
    if not place:
        return odd
    changed = copy.deepcopy(document)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = odd
    return changed


def tree_of(document: Any) -> FileTree:
    def file(name: str, content: bytes) -> File:
        return File(name, len(content), lambda: content, lambda: content[:16], name)

    text = json.dumps(document).encode()
    return FileTree("set", (file("1.png", png((1, 2, 3))), file("labels.json", text)))


def read_labels(layout: str, document: Any) -> list[str] | None:
    """All labels; None where the document is none of the layout, or is refused by name."""
    tree = tree_of(document)
    guesses = layouts.detect(tree, ReadOptions())
    if layout not in {guess.layout for guess in guesses}:
        return None
    try:
        read = layouts.read(tree, ReadOptions(layout=layout), guesses)
    except DatasetError as error:
        assert "labels.json" in str(error) or "first problem: " in str(error)
        return None
    return [label for item in read.items for of in item.labels.values() for label in of]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_value_of_another_kind_never_ends_in_a_traceback(name: str) -> None:
    layout, document = name.split(",")[0], DOCUMENTS[name]
    assert read_labels(layout, document)

    for place in places(document):
        for odd in ODD:
            labels = read_labels(layout, replaced(document, place, odd))
            assert all(re.fullmatch(r"[\w. /]+", label) for label in labels or ()), (place, odd)
            assert "None" not in (labels or ()), (place, odd)
