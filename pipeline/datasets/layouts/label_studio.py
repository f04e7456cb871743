"""Label Studio's JSON export: tasks with their annotations. Its CSV is read as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.datasets.finding import Finder
from pipeline.datasets.layouts.documents import json_documents
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Named, found_records
from pipeline.datasets.tree import File, FileTree

TITLE = "Label Studio JSON"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where a JSON file is a list of tasks with data and annotations."""
    exports = _exports(tree)
    n = sum(len(tasks) for _, tasks in exports)
    return (0.97, f"{n} tasks in {exports[0][0].name}") if exports else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the choices and region labels of all its annotations that were not cancelled."""
    records, exports, finder = [], _exports(tree), Finder(tree)
    for file, tasks in exports:
        records += found_records(_named(tasks, tree), file, finder)
    is_multi = any(len(record.labels["class"]) > 1 for record in records)
    return reading(
        tree,
        records,
        finder.problems,
        label_files=[file for file, _ in exports],
        kinds={"class": "multi"} if is_multi else {},
        unnamed="no task names it",
        notes=finder.notes,
    )


def _exports(tree: FileTree) -> list[tuple[File, list[Any]]]:
    return [(file, found) for file, found in json_documents(tree) if _is_export(found)]


def _is_export(document: Any) -> bool:
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        return False
    return isinstance(document[0].get("data"), dict) and "annotations" in document[0]


def _named(tasks: list[Any], tree: FileTree) -> Iterator[Named]:
    for task in tasks:
        texts = [value for value in task.get("data", {}).values() if isinstance(value, str)]
        name = next((text for text in texts if tree.names.find(text)), next(iter(texts), ""))
        done = [one for one in task.get("annotations") or () if not one.get("was_cancelled")]
        values = [result.get("value", {}) for one in done for result in one.get("result") or ()]
        yield Named(name, {"class": tuple(dict.fromkeys(_labels(values)))})


def _labels(values: list[Any]) -> Iterator[str]:
    """The names under `choices` and under `rectanglelabels` and its like."""
    for value in values:
        for key, names in value.items():
            if isinstance(names, list) and (key == "choices" or key.endswith("labels")):
                yield from map(str, names)
