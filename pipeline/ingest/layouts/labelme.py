"""LabelMe: a JSON file beside each image with its shapes."""

from __future__ import annotations

from typing import Any

from pipeline.datasets.problems import Problem
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.documents import Parts, json_documents, name_in
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Named, found_records
from pipeline.ingest.tree import File, FileTree

TITLE = "LabelMe JSON"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise JSON files that name an image and its shapes."""
    n = len(_exports(tree))
    return (0.97, f"{n} JSON files with shapes") if n else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read images with the labels of their shapes, and the flags that are set."""
    records, exports, finder = [], _exports(tree), Finder(tree)
    problems, n_by_stem = [], 0
    for file, document in exports:
        parts = Parts(file)
        path = document["imagePath"] if isinstance(document["imagePath"], str) else ""
        name = _named(path, file, tree)
        n_by_stem += name == file.stem and not path.endswith(name)
        labels = {"objects": _labels(document, parts)}
        problems += parts.problems
        if name:
            records += found_records([Named(name, labels)], file, finder)
        else:
            problems.append(Problem(file.name, f"names no image, and none is called {file.stem}"))
    notes = [f"{n_by_stem:,} images found by the name of their JSON file, not by the one inside"]
    return reading(
        tree,
        records,
        [*problems, *finder.problems],
        label_files=[file for file, _ in exports],
        kinds={"objects": "multi"},
        unnamed="no JSON file names it",
        notes=[*finder.notes, *(notes if n_by_stem else [])],
    )


def _exports(tree: FileTree) -> list[tuple[File, dict[str, Any]]]:
    return [
        (file, document)
        for file, document in json_documents(tree)
        if isinstance(document, dict)
        and isinstance(document.get("shapes"), list)
        and "imagePath" in document
    ]


def _labels(document: dict[str, Any], parts: Parts) -> tuple[str, ...]:
    shapes = parts.objects(document["shapes"], "shapes")
    labels = {name_in(shape.get("label")) for shape in shapes} - {""}
    flags = parts.object(document.get("flags"), "flags")
    return tuple(sorted({*labels, *(name for name, is_set in flags.items() if is_set)}))


def _named(path: str, file: File, tree: FileTree) -> str:
    """What to look for: the path inside, its name beside the file, or the file's own stem.

    The paths of LabelMe are relative to the file, or those of another machine. Empty where there
    is none.
    """
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    if ".." not in path and name and _is_beside(name, file, tree):
        return name
    if path and tree.names.find(path, file.folder):
        return path
    return file.stem if _is_beside(file.stem, file, tree) else path


def _is_beside(name: str, file: File, tree: FileTree) -> bool:
    match = tree.names.find(name, file.folder)
    return match is not None and match.file.is_image and match.file.folder == file.folder
