"""COCO as other programs write it: ids, names and segments in any form, or a word about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.folder import open_files
from tests.layout_writers import pictures, put, put_images

N = 4
NAMES = [f"{i:03d}.png" for i in range(N)]
PETS = [("cat",), ("dog",)] * 2
IMAGES = [{"id": i + 10, "file_name": name} for i, name in enumerate(NAMES)]
CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
ANNOTATIONS = [{"image_id": i + 10, "category_id": 1 + i % 2} for i in range(N)]


def document(**changed: Any) -> dict[str, Any]:
    whole = {"images": IMAGES, "annotations": ANNOTATIONS, "categories": CATEGORIES}
    return {**whole, **changed}


def opened(root: Path, files: dict[str, Any]) -> Source:
    put_images(root, pictures(N), "img")
    for name, content in files.items():
        put(root, name, json.dumps(content))
    return open_files(SourceRequest(name="set", path=root)).source


def labels_of(source: Source) -> list[tuple[str, ...]]:
    items = sorted(source.items, key=lambda item: item.image_id)
    return [item.labels.get("objects", ()) for item in items]


def annotations(*ids: Any) -> list[dict[str, Any]]:
    return [{"image_id": one, "category_id": 1 + i % 2} for i, one in enumerate(ids)]


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        ({"annotations": annotations(10.0, 11.0, 12.0, 13.0)}, ""),
        ({"annotations": annotations("010", "011", "012", "013")}, ""),
        ({"images": [{**one, "id": f"00{one['id']}"} for one in IMAGES]}, "zeros in front"),
        ({"annotations": annotations(*NAMES)}, "by their file_name"),
        ({"annotations": annotations("000", "001", "002", "003")}, "folders and suffix"),
        ({"images": [{"id": i + 10, "path": f"/x/img/{n}"} for i, n in enumerate(NAMES)]}, ""),
        (
            {"images": [{"id": i + 10, "coco_url": f"http://x/{n}"} for i, n in enumerate(NAMES)]},
            "",
        ),
    ],
)
def test_annotations_find_their_images_whatever_they_call_them(
    tmp_path: Path, changed: dict[str, Any], note: str
) -> None:
    source = opened(tmp_path / "set", {"annotations/a.json": document(**changed)})

    assert labels_of(source) == PETS
    assert note in " ".join(source.notes)
    assert not source.problems


def test_one_way_to_name_images_counts_for_a_whole_file(tmp_path: Path) -> None:
    """The stem `3` is not what an annotation of the unknown id 3 means."""
    images = [{"id": i, "file_name": f"img/{name}"} for i, name in enumerate(NAMES[:3])]

    source = opened(
        tmp_path / "set",
        {"a.json": document(images=images, annotations=annotations(0, 1, 2, "003"))},
    )

    assert labels_of(source) == [("cat",), ("dog",), ("cat",)]
    assert "1 annotations name the image id 003, not there" in str(source.problems)


def test_segments_of_panoptic_annotations_are_labels(tmp_path: Path) -> None:
    panoptic = [
        {
            "image_id": one["id"],
            "file_name": "mask.png",
            "segments_info": [{"id": 9, "category_id": 1}, {"category_id": 2, "iscrowd": i % 2}],
        }
        for i, one in enumerate(IMAGES)
    ]
    alone = opened(tmp_path / "alone", {"panoptic_val.json": document(annotations=panoptic)})
    beside = opened(
        tmp_path / "both",
        {"instances_val.json": document(), "panoptic_val.json": document(annotations=panoptic)},
    )

    assert labels_of(alone) == [("cat", "dog"), ("cat",)] * 2
    assert [{*names} for names in labels_of(beside)] == [{"cat", "dog"}] * N


def test_captions_and_keypoints_beside_instances_change_nothing(tmp_path: Path) -> None:
    captions = {"images": IMAGES, "annotations": [{"image_id": 10, "caption": "A cat."}]}
    files = {
        "annotations/instances_train2017.json": document(),
        "annotations/captions_train2017.json": captions,
        "annotations/person_keypoints_train2017.json": document(annotations=[]),
    }

    source = opened(tmp_path / "set", files)

    assert labels_of(source) == PETS
    assert [problem.file for problem in source.problems] == ["annotations/captions_train2017.json"]


def test_a_file_that_cannot_be_used_is_a_problem_beside_one_that_can(tmp_path: Path) -> None:
    bad = document(annotations=[{"image_id": 10, "bbox": [0, 0, 1, 1]}])

    source = opened(tmp_path / "set", {"a.json": bad, "b.json": document()})

    assert labels_of(source) == PETS
    reasons = {problem.file: problem.reason for problem in source.problems}
    assert {*reasons} == {"a.json"}
    assert "the first has image_id 10 and category_id None" in reasons["a.json"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"images": [{"id": 1}]}, "images need id and file_name, the first has id 1 and file_name"),
        ({"images": ["000.png"]}, "images need id and file_name"),
        ({"annotations": [{"image_id": 10, "category_id": None}]}, "annotations need image_id"),
    ],
)
def test_a_file_that_lacks_what_joins_it_is_an_error_where_it_is_the_only_one(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DatasetError, match=rf"a\.json is no complete COCO file: {reason}"):
        opened(tmp_path / "set", {"a.json": document(**changed)})


def test_what_is_not_as_it_should_be_costs_itself(tmp_path: Path) -> None:
    damaged = document(
        images=[*IMAGES, None, {"id": 99}],
        annotations=[*ANNOTATIONS, None, 7, {"image_id": 10}, {"segments_info": [1]}],
        categories=[*CATEGORIES, "cow"],
    )

    source = opened(tmp_path / "set", {"a.json": damaged})

    assert labels_of(source) == PETS
    assert {problem.reason for problem in source.problems} == {
        "1 of 5 images lack an id or a file_name",
        "1 annotations lack an image_id or a category_id",
        "1 images are no objects, such as null",
        "2 annotations are no objects, such as null",
        '1 categories are no objects, such as "cow"',
        "1 segments are no objects, such as 1",
    }


def test_a_category_id_with_two_names_gives_no_label_and_one_name_with_two_ids_is_one_class(
    tmp_path: Path,
) -> None:
    two = opened(
        tmp_path / "two",
        {"a.json": document(categories=[*CATEGORIES, {"id": 2, "name": "fox"}])},
    )
    one = opened(
        tmp_path / "one",
        {"a.json": document(categories=[{"id": 1, "name": "cat"}, {"id": 2.0, "name": "cat"}])},
    )

    assert labels_of(two) == [("cat",), ()] * 2
    assert "the category id 2 has the names dog, fox" in " ".join(two.warnings)
    assert labels_of(one) == [("cat",)] * N
    assert "categories of one name are one class: cat" in " ".join(one.notes)
