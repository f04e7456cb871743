"""FiftyOne exports: labels.json beside data/, or samples.json of a whole data set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.documents import Parts, json_documents, name_in
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Named, Record, found_records
from pipeline.ingest.source import Kind
from pipeline.ingest.split_words import split_word
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

TITLE = "FiftyOne"
_LINES = (".ndjson", ".jsonl")
_Labels = tuple[str, ...]
_Classes = Mapping[int, str]


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise a JSON file that has `labels` by image, or samples with paths."""
    files = [file for file, _ in _exports(tree)]
    return (0.97, ", ".join(file.name for file in files[:3])) if files else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read images with the label, or the labels, that their entries name.

    Tags such as `train` and `test`, or else the field `split`, are the parts of the split.
    """
    exports, finder = _exports(tree), Finder(tree)
    records: list[Record] = []
    problems: list[Problem] = []
    kinds: dict[str, Kind] = {}
    for file, document in exports:
        parts = Parts(file)
        rows = list((_samples if "samples" in document else _labels)(document, parts))
        records += found_records((row for row, _ in rows), file, finder)
        kinds |= {name: "multi" for _, several in rows for name in several}
        problems += parts.problems
    return reading(
        tree,
        records,
        [*problems, *finder.problems],
        label_files=[file for file, _ in exports],
        kinds=kinds,
        notes=finder.notes,
    )


def _exports(tree: FileTree) -> list[tuple[File, dict[str, Any]]]:
    files = [tree.main] if tree.main else tree.files
    lines = [(f, tree.parsed(f, _parse_lines)) for f in files if f.suffix in _LINES]
    documents = [*json_documents(tree), *lines]
    return [(file, document) for file, document in documents if _is_export(document)]


def _parse_lines(file: File) -> dict[str, Any] | None:
    """The samples in a file of JSON lines; None for any other file.

    Tables have paths too: only labels of FiftyOne, which say their class, tell them apart. A line
    that is damaged is kept as text, which is no sample.
    """
    try:
        lines = decode_text(file.read(), file.name).content.splitlines()
    except (DatasetError, OSError):
        return None
    samples = [_parsed(line) for line in lines if line.strip()]
    first = samples[0] if samples and isinstance(samples[0], dict) else {}
    fields = [value for value in first.values() if isinstance(value, dict)]
    return {"samples": samples} if any("_cls" in value for value in fields) else None


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _is_export(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    samples = document.get("samples")
    if isinstance(samples, list):
        return any(isinstance(sample, dict) and "filepath" in sample for sample in samples[:10])
    return "classes" in document and isinstance(document.get("labels"), dict)


def _labels(document: dict[str, Any], parts: Parts) -> Iterator[tuple[Named, list[str]]]:
    """The images of a labels.json, each with the label sets in which it may have several."""
    classes = _classes(document["classes"], parts)
    for name, value in document["labels"].items():
        several = ["class"] if isinstance(value, list) else []
        yield Named(name, {"class": _names(value, classes)}), several


def _classes(value: Any, parts: Parts) -> _Classes:
    """Names by number, of a list or of an object that has either as its keys."""
    if isinstance(value, list):
        return {number: name_in(name) for number, name in enumerate(value)}
    names = parts.object(value, "lists of classes")
    if all(isinstance(number, int) for number in names.values()):
        return {number: name for name, number in names.items() if name}
    return {int(number): name_in(name) for number, name in names.items() if number.isdecimal()}


def _samples(document: dict[str, Any], parts: Parts) -> Iterator[tuple[Named, list[str]]]:
    """The images of a samples.json, with a label set for each field that holds labels."""
    for sample in parts.objects(document["samples"], "samples"):
        fields = {
            field: value
            for field, value in sample.items()
            if isinstance(value, dict) and ("label" in value or _inner(value) is not None)
        }
        labels = {field: _names(value, {}) for field, value in fields.items()}
        several = [field for field, value in fields.items() if _inner(value) is not None]
        path = sample.get("filepath")
        name = path if isinstance(path, str) and path else f"sample {sample.get('id', '')}".strip()
        yield Named(name, labels, _part(sample)), several


def _part(sample: dict[str, Any]) -> str:
    tags = sample.get("tags")
    words = {split_word(str(tag)) for tag in tags if tag} if isinstance(tags, list) else set()
    words -= {""}
    field = sample.get("split")
    if not words and isinstance(field, str):
        return split_word(field)
    return words.pop() if len(words) == 1 else ""


def _names(value: Any, classes: _Classes) -> _Labels:
    """Class names in a value: a name, a number, a label, or several of these."""
    if isinstance(value, dict):
        inner = _inner(value)
        return _names(value.get("label") if inner is None else inner, classes)
    if isinstance(value, list):
        return tuple(dict.fromkeys(name for item in value for name in _names(item, classes)))
    name = name_in(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and name.isdecimal()
    return tuple(filter(None, [(classes.get(int(name)) if is_number else "") or name]))


def _inner(value: dict[str, Any]) -> list[Any] | None:
    """The list in a value that holds several labels."""
    names = ("classifications", "detections", "polylines")
    return next((value[name] for name in names if isinstance(value.get(name), list)), None)
