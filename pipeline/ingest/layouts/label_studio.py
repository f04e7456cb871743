"""Label Studio's JSON export: tasks with their annotations. Its CSV is read as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.datasets.problems import Problem
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.documents import Parts, json_documents, name_in
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Named, found_records
from pipeline.ingest.tree import File, FileTree

TITLE = "Label Studio JSON"
_DONE = ("annotations", "completions")  # as they are called, and were before version 1.0


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise a JSON file that is a list of tasks with data and annotations."""
    exports = _exports(tree)
    n = sum(len(tasks) for _, tasks in exports)
    return (0.97, f"{n} tasks in {exports[0][0].name}") if exports else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read images with the choices and region labels of all annotations that were not cancelled.

    A choice in a taxonomy is named by its whole path, `animal / cat`: names below may be alike.
    """
    records, exports, finder = [], _exports(tree), Finder(tree)
    problems: list[Problem] = []
    for file, tasks in exports:
        parts = Parts(file)
        named = list(_named(parts.objects(tasks, "tasks"), parts, tree))
        records += found_records((image for image in named if image.name), file, finder)
        n_nameless = sum(not image.name for image in named)
        if n_nameless:
            reason = f"{n_nameless:,} tasks name no image in their data"
            problems.append(Problem(file.name, reason, "noted"))
        problems += parts.problems
    is_multi = any(len(record.labels["class"]) > 1 for record in records)
    return reading(
        tree,
        records,
        [*problems, *finder.problems],
        label_files=[file for file, _ in exports],
        kinds={"class": "multi"} if is_multi else {},
        unnamed="no task names it",
        notes=finder.notes,
    )


def _exports(tree: FileTree) -> list[tuple[File, list[Any]]]:
    return [(file, document) for file, document in json_documents(tree) if _is_export(document)]


def _is_export(document: Any) -> bool:
    """Whether any task has data and annotations: some may be left to do."""
    return isinstance(document, list) and any(
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and any(key in task for key in _DONE)
        for task in document
    )


def _named(tasks: list[dict[str, Any]], parts: Parts, tree: FileTree) -> Iterator[Named]:
    for task in tasks:
        data = parts.object(task.get("data"), "data of tasks")
        texts = [text for value in data.values() for text in _texts(value)]
        name = next((text for text in texts if tree.names.find(text)), next(iter(texts), ""))
        given = [annotation for key in _DONE for annotation in parts.objects(task.get(key), key)]
        done = [annotation for annotation in given if not annotation.get("was_cancelled")]
        results = [result for of in done for result in parts.objects(of.get("result"), "results")]
        values = [parts.object(result.get("value"), "values of results") for result in results]
        yield Named(name, {"class": tuple(dict.fromkeys(_labels(values)))})


def _texts(value: Any) -> list[str]:
    """A text, also as the only one of a list: labels of several images tell none apart."""
    alone = value[0] if isinstance(value, list) and len(value) == 1 else value
    return [alone] if isinstance(alone, str) and alone else []


def _labels(values: list[dict[str, Any]]) -> Iterator[str]:
    """The names under `choices`, `taxonomy`, and `rectanglelabels` and its like."""
    for value in values:
        for key, names in value.items():
            if key in ("choices", "taxonomy") or key.endswith("labels"):
                for name in names if isinstance(names, list) else [names]:
                    path = name if isinstance(name, list) else [name]
                    yield from filter(None, [" / ".join(filter(None, map(name_in, path)))])
