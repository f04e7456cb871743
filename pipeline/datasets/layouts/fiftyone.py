"""FiftyOne exports: labels.json beside data/, or samples.json of a whole data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.datasets.finding import Finder
from pipeline.datasets.layouts.documents import json_documents
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Named, found_records
from pipeline.datasets.source import Kind
from pipeline.datasets.split_words import split_word
from pipeline.datasets.tree import File, FileTree

TITLE = "FiftyOne"
_Labels = tuple[str, ...]


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where a JSON file has `labels` by image, or samples with paths."""
    files = [file for file, _ in _exports(tree)]
    return (0.97, ", ".join(file.name for file in files[:3])) if files else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the label, or the labels, that its entry names.

    Tags such as `train` and `test` are the parts of the split.
    """
    records, exports, finder = [], _exports(tree), Finder(tree)
    kinds: dict[str, Kind] = {}
    for file, document in exports:
        rows = list(_samples(document) if "samples" in document else _labels(document))
        records += found_records((row for row, _ in rows), file, finder)
        kinds |= {name: "multi" for _, several in rows for name in several}
    return reading(
        tree,
        records,
        finder.problems,
        label_files=[file for file, _ in exports],
        kinds=kinds,
        notes=finder.notes,
    )


def _exports(tree: FileTree) -> list[tuple[File, dict[str, Any]]]:
    return [(file, found) for file, found in json_documents(tree) if _is_export(found)]


def _is_export(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    samples = document.get("samples")
    if isinstance(samples, list):
        return any(isinstance(sample, dict) and "filepath" in sample for sample in samples[:10])
    return "classes" in document and isinstance(document.get("labels"), dict)


def _labels(document: dict[str, Any]) -> Iterator[tuple[Named, list[str]]]:
    """The images of a labels.json, each with the label sets in which it may have several."""
    classes = document["classes"] or ()
    for name, value in document["labels"].items():
        several = ["class"] if isinstance(value, list) else []
        yield Named(name, {"class": _names(value, classes)}), several


def _samples(document: dict[str, Any]) -> Iterator[tuple[Named, list[str]]]:
    """The images of a samples.json, with a label set for each field that holds labels."""
    for sample in document["samples"]:
        fields = {
            field: value
            for field, value in sample.items()
            if isinstance(value, dict) and ("label" in value or _inner(value) is not None)
        }
        labels = {field: _names(value, ()) for field, value in fields.items()}
        words = {split_word(str(tag)) for tag in sample.get("tags") or ()} - {""}
        split = words.pop() if len(words) == 1 else ""
        several = [field for field, value in fields.items() if _inner(value) is not None]
        yield Named(str(sample.get("filepath", "")), labels, split), several


def _names(value: Any, classes: Any) -> _Labels:
    """Class names in a value: a name, a number, a label, or several of these."""
    if isinstance(value, dict):
        inner = _inner(value)
        return _names(value.get("label") if inner is None else inner, classes)
    if isinstance(value, list):
        return tuple(dict.fromkeys(name for one in value for name in _names(one, classes)))
    if value is None or value == "":
        return ()
    is_number = isinstance(value, int) and 0 <= value < len(classes)
    return (str(classes[value]) if is_number else str(value),)


def _inner(value: dict[str, Any]) -> list[Any] | None:
    """The list in a value that holds several labels."""
    names = ("classifications", "detections", "polylines")
    return next((value[name] for name in names if isinstance(value.get(name), list)), None)
