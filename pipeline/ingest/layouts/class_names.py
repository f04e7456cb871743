"""The names of classes that labels only number: in classes.txt, a JSON map and the like."""

from __future__ import annotations

import csv
import json
import re
from contextlib import suppress
from typing import Any, NamedTuple

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

_STEMS = frozenset(
    (
        *("classes", "classnames", "classmap", "classdict", "classindex", "classindices"),
        *("labelmap", "labelnames", "labelsmap", "concepts", "categories", "names", "obj"),
        *("id2label", "idxtoclass", "classtoidx", "idxtolabel", "cattoname"),
    )
)
_MAP = re.compile(r"(label|class|categor|species|disease).*(map|names|index|dict)")
_LISTS = (".txt", ".names")
_NUMBERED = re.compile(r"(\d+)\s*[:,;\t ]\s*(\S.*)")


class ClassNames(NamedTuple):
    """Names of classes by number, and the file that has them; nothing where there is none."""

    names: dict[int, str]
    file: File | None = None

    def first(self, n: int) -> tuple[str, ...]:
        """The names of n classes in their order, whatever they count from.

        Raises:
            DatasetError: there are fewer.
        """
        ordered = [self.names[number] for number in sorted(self.names)]
        if len(ordered) < n and self.file is not None:
            raise DatasetError(f"{self.file.name} names {len(ordered)} of {n} classes")
        return tuple(ordered[:n])


def class_names(tree: FileTree) -> ClassNames:
    """The names of classes in a tree, from the first file that is called after them."""
    for file in tree.files:
        if is_class_list(file):
            names = _read(file)
            if names:
                return ClassNames(names, file)
    return ClassNames({})


def is_class_list(file: File) -> bool:
    """Whether a file is called after classes; `labels` only as a list, since tables are too."""
    stem = re.sub(r"[^a-z0-9]", "", file.stem.lower())
    if file.suffix in _LISTS:
        stem = stem.rstrip("0123456789")
        return stem in _STEMS or stem == "labels"
    if file.suffix == ".json" and _MAP.search(stem):
        return True
    return file.suffix in (".json", ".csv") and stem in _STEMS


def numbers_classes(file: File) -> bool:
    """Whether a file is called after classes and maps numbers to names: no table of images."""
    return file.suffix == ".json" and is_class_list(file) and bool(_read(file))


def _read(file: File) -> dict[int, str]:
    """Names by number; none for a file of another kind."""
    text = decode_text(file.read(), file.name).content
    if file.suffix == ".json":
        with suppress(ValueError, RecursionError):
            return _from_json(json.loads(text))
        return {}
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if file.suffix == ".csv":
        return _from_rows([row for row in csv.reader(lines) if row])
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    names = {int(match[1]): match[2].strip() for match in numbered if match}
    return names if len(names) == len(lines) else dict(enumerate(lines))


def _from_json(document: Any) -> dict[int, str]:
    """A list of names, or a map of numbers and names in either direction."""
    if isinstance(document, list) and all(isinstance(name, str) for name in document):
        return dict(enumerate(document))
    if not isinstance(document, dict):
        return {}
    if all(isinstance(value, int) for value in document.values()):
        return {int(number): str(name) for name, number in document.items()}
    is_map = all(re.fullmatch(r"\d+", str(key)) for key in document)
    if is_map and all(isinstance(value, str) for value in document.values()):
        return {int(key): str(value) for key, value in document.items()}
    return {}


def _from_rows(rows: list[list[str]]) -> dict[int, str]:
    """Rows of a number and a name in either order, below a header or not."""
    for number, name in ((0, 1), (1, 0)):
        pairs = [row for row in rows if len(row) == 2 and row[number].strip().isdecimal()]
        if pairs and len(pairs) >= len(rows) - 1:
            return {int(row[number]): row[name].strip() for row in pairs}
    return {}
