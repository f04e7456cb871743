"""COCO JSON: images, annotations and categories, joined by ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from pipeline.datasets.base import DatasetError
from pipeline.datasets.finding import Finder
from pipeline.datasets.layouts.documents import json_documents
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Named, found_records
from pipeline.datasets.problems import Problem
from pipeline.datasets.split_words import splits_of
from pipeline.datasets.tree import File, FileTree

TITLE = "COCO JSON"
_Document = dict[str, Any]


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where a JSON file has the three lists."""
    documents = _documents(tree)
    return (0.97, _seen(documents)) if documents else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the categories of its annotations; crowds do not count.

    The part of the split is the word in the JSON's name, as in `instances_train2017.json`, or
    that of the folders.

    Raises:
        DatasetError: a file lacks what joins images, annotations and categories.
    """
    records, warnings, used = [], [], []
    problems: list[Problem] = []
    documents, finder = _documents(tree), Finder(tree)
    words = splits_of(file.stem for file, _ in documents)
    for file, document in documents:
        used.append(file)
        labelled = _labelled(document, file, problems)
        named = (Named(name, {"objects": of}, words[file.stem]) for name, of in labelled)
        records += found_records(named, file, finder)
        if document["annotations"] and not any(classes for _, classes in labelled):
            warnings.append(f"{file.name}: no annotation belongs to an image of the file")
    return reading(
        tree,
        records,
        [*problems, *finder.problems],
        label_files=used,
        kinds={"objects": "multi"},
        notes=finder.notes,
        warnings=warnings,
    )


def _seen(documents: list[tuple[File, _Document]]) -> str:
    n = sum(len(document["images"]) for _, document in documents)
    return f"{n} images named in {', '.join(file.name for file, _ in documents[:3])}"


def _documents(tree: FileTree) -> list[tuple[File, _Document]]:
    lists = ("images", "annotations", "categories")
    return [
        (file, document)
        for file, document in json_documents(tree)
        if isinstance(document, dict)
        and all(isinstance(document.get(name), list) for name in lists)
    ]


def _labelled(
    document: _Document, file: File, problems: list[Problem]
) -> list[tuple[str, tuple[str, ...]]]:
    """File name and sorted category names of every image; ids are joined as text.

    Raises:
        DatasetError: images, annotations or categories lack what joins them.
    """
    try:
        images = [(str(one["id"]), str(one["file_name"])) for one in document["images"]]
        names = {str(one["id"]): str(one["name"]) for one in document["categories"]}
        pairs = Counter(
            (str(one["image_id"]), str(one["category_id"]))
            for one in document["annotations"]
            if not one.get("iscrowd")
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{file.name} is no complete COCO file: {type(error).__name__} {error}; images need "
            "id and file_name, categories id and name, annotations image_id and category_id"
        ) from error
    shared = _shared_ids(images, file, problems)
    classes: dict[str, set[str]] = defaultdict(set)
    known = {image_id for image_id, _ in images}
    for (image_id, category), n in pairs.items():
        if image_id not in known:
            _note(file, problems, f"{n} annotations name the image id {image_id}, not there")
        elif category not in names:
            _note(
                file,
                problems,
                f"{n} annotations of the image id {image_id} name the category "
                f"id {category}, not there",
            )
        else:
            classes[image_id].add(names[category])
    return [
        (name, tuple(sorted(classes[image_id])))
        for image_id, name in dict.fromkeys(images)
        if image_id not in shared
    ]


def _shared_ids(images: list[tuple[str, str]], file: File, problems: list[Problem]) -> set[str]:
    """Ids of several images: nothing tells which of them an annotation means."""
    named: dict[str, list[str]] = defaultdict(list)
    for image_id, name in dict.fromkeys(images):
        named[image_id].append(name)
    shared = {image_id: names for image_id, names in named.items() if len(names) > 1}
    for image_id, names in shared.items():
        problems += [
            Problem(
                name,
                f"shares the id {image_id} in {file.name} with {len(names) - 1} other "
                "images; nothing tells whose its annotations are",
            )
            for name in names
        ]
    return set(shared)


def _note(file: File, problems: list[Problem], reason: str) -> None:
    problems.append(Problem(file.name, reason, "noted"))
