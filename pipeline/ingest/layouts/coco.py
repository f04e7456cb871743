"""COCO JSON: images, annotations and categories, joined by ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.coco_labels import CocoLabels, coco_labels
from pipeline.ingest.layouts.documents import json_documents
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Named, Record, found_records
from pipeline.ingest.split_words import splits_of
from pipeline.ingest.tree import File, FileTree

TITLE = "COCO JSON"
_Document = dict[str, Any]


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise a JSON file with the three lists."""
    documents = _documents(tree)
    return (0.97, _seen(documents)) if documents else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read images with the categories of their annotations; crowds do not count.

    The part of the split is the word in the JSON's name, as in `instances_train2017.json`, or
    that of the folders.

    Raises:
        DatasetError: no file has all that joins images, annotations and categories.
    """
    documents, finder = _documents(tree), Finder(tree)
    problems: list[Problem] = []
    labelled = list(_labelled(documents, problems))
    words = splits_of(file.stem for file, _ in labelled)
    records: list[Record] = []
    for file, made in labelled:
        named = (Named(name, {"objects": of}, words[file.stem]) for name, of in made.images)
        records += found_records(named, file, finder)
    return reading(
        tree,
        records,
        [
            *problems,
            *(problem for _, made in labelled for problem in made.problems),
            *finder.problems,
        ],
        label_files=[file for file, _ in documents],
        kinds={"objects": "multi"},
        notes=[*(note for _, made in labelled for note in made.notes), *finder.notes],
        warnings=[warning for _, made in labelled for warning in made.warnings],
    )


def _labelled(
    documents: list[tuple[File, _Document]], problems: list[Problem]
) -> Iterator[tuple[File, CocoLabels]]:
    """The labels of each file; one that cannot be used is a problem among others that can.

    Raises:
        DatasetError: none can be used.
    """
    errors = []
    for file, document in documents:
        try:
            yield file, coco_labels(document, file)
        except DatasetError as error:
            errors.append(error)
            problems.append(Problem(file.name, str(error).removeprefix(f"{file.name} ")))
    if errors and len(errors) == len(documents):
        raise errors[0]


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
