"""LabelMe: a JSON file beside each image with its shapes."""

from __future__ import annotations

from typing import Any

from pipeline.datasets.finding import Finder
from pipeline.datasets.layouts.documents import json_documents
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Named, found_records
from pipeline.datasets.tree import File, FileTree

TITLE = "LabelMe JSON"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where JSON files name an image and its shapes."""
    n = len(_exports(tree))
    return (0.97, f"{n} JSON files with shapes") if n else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the labels of its shapes, and the flags that are set."""
    records, exports, finder = [], _exports(tree), Finder(tree)
    for file, document in exports:
        shapes = [str(shape["label"]) for shape in document["shapes"] if shape.get("label")]
        flags = [str(name) for name, is_set in (document.get("flags") or {}).items() if is_set]
        name = str(document["imagePath"]).replace("\\", "/").rsplit("/", 1)[-1]
        labels = {"objects": tuple(sorted({*shapes, *flags}))}
        near = f"{file.folder}/{name}" if file.folder else name
        known = near if tree.names.find(near) else str(document["imagePath"])
        records += found_records([Named(known, labels)], file, finder)
    return reading(
        tree,
        records,
        finder.problems,
        label_files=[file for file, _ in exports],
        kinds={"objects": "multi"},
        unnamed="no JSON file names it",
        notes=finder.notes,
    )


def _exports(tree: FileTree) -> list[tuple[File, dict[str, Any]]]:
    return [
        (file, document)
        for file, document in json_documents(tree)
        if isinstance(document, dict)
        and isinstance(document.get("shapes"), list)
        and "imagePath" in document
    ]
