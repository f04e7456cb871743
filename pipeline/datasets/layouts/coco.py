"""COCO JSON: images, annotations and categories, joined by ids."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, Record, reading
from pipeline.datasets.problems import Problem
from pipeline.datasets.tree import File, FileTree, split_word

TITLE = "COCO JSON"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where a JSON file has the three lists."""
    documents = _documents(tree)
    return (0.97, _seen(documents)) if documents else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the categories of its annotations; crowds do not count.

    The part of the split is the word in the JSON's name, as in `instances_train2017.json`.
    """
    records, problems, used = [], [], []
    for file, document in _documents(tree):
        used.append(file)
        word = _split_of(file)
        base = "/".join(file.parts[:-1])
        for image, classes in _labelled(document, file):
            found = tree.find(image, base)
            if found is None:
                problems.append(Problem(image, f"named in {file.name}, not there"))
            else:
                records.append(Record(found, {"objects": classes}, word))
    return reading(tree, records, problems, label_files=used, kinds={"objects": "multi"})


def _seen(documents: list[tuple[File, dict[str, Any]]]) -> str:
    n = sum(len(document["images"]) for _, document in documents)
    return f"{n} images named in {', '.join(file.name for file, _ in documents[:3])}"


def _documents(tree: FileTree) -> list[tuple[File, dict[str, Any]]]:
    files = [tree.main] if tree.main else tree.files
    parsed = [(f, tree.parsed(f, _parse)) for f in files if f.suffix == ".json"]
    return [(file, document) for file, document in parsed if document is not None]


def _parse(file: File) -> dict[str, Any] | None:
    """The document; None when it is something else."""
    try:
        document = json.loads(file.read())
    except (ValueError, OSError, RecursionError):
        return None
    lists = ("images", "annotations", "categories")
    is_coco = isinstance(document, dict) and all(
        isinstance(document.get(name), list) for name in lists
    )
    return document if is_coco else None


def _labelled(document: dict[str, Any], file: File) -> list[tuple[str, tuple[str, ...]]]:
    """File name and sorted category names of every image."""
    try:
        names = {one["id"]: str(one["name"]) for one in document["categories"]}
        classes: dict[Any, set[str]] = defaultdict(set)
        for one in document["annotations"]:
            if not one.get("iscrowd"):
                classes[one["image_id"]].add(names[one["category_id"]])
        return [
            (str(one["file_name"]), tuple(sorted(classes[one["id"]]))) for one in document["images"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{file.name} is no complete COCO file: {type(error).__name__} {error}; images need "
            "id and file_name, categories id and name, annotations image_id and category_id"
        ) from error


def _split_of(file: File) -> str:
    words = re.findall(r"[a-z]+", file.stem.lower())
    return next((split_word(word) for word in words if split_word(word)), "")
