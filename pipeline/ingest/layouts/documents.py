"""JSON label files, each parsed once, and what in them is not as it should be."""

from __future__ import annotations

import json
from typing import Any

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree


def json_documents(tree: FileTree) -> list[tuple[File, Any]]:
    """The JSON files of a tree that can be read, or the one that the user named."""
    files = [tree.main] if tree.main else tree.files
    parsed = [(f, tree.parsed(f, _parse)) for f in files if f.suffix == ".json"]
    return [(file, document) for file, document in parsed if document is not None]


def _parse(file: File) -> Any:
    """The document; None for a file that cannot be read, which then stays unused and is named."""
    try:
        return json.loads(decode_text(file.read(), file.name).content)
    except (DatasetError, ValueError, OSError, RecursionError):
        return None


def name_in(value: Any) -> str:
    """A name or id as text, whole numbers without a fraction; empty for what is neither."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() if isinstance(value, str | int | float) else ""


class Parts:
    """Reader of the objects in a document's lists, which counts what is none.

    Label files are made by many programs and by hand: what is not as it should be costs itself.
    """

    def __init__(self, file: File) -> None:
        self._file = file
        self._odd: dict[str, list[Any]] = {}

    def objects(self, value: Any, what: str) -> list[dict[str, Any]]:
        """The objects in a list; nothing for null.

        Args:
            value: value that stands where a list should be.
            what: name of the objects, in the plural.
        """
        items = value if isinstance(value, list) else [] if value is None else [value]
        return [item for item in items if self._is_object(item, what)]

    def object(self, value: Any, what: str) -> dict[str, Any]:
        """An object itself; an empty one for null and for anything else."""
        return value if value is not None and self._is_object(value, what) else {}

    @property
    def problems(self) -> list[Problem]:
        """Problems with what was no object, counted by its kind."""
        return [
            Problem(
                self._file.name,
                f"{len(odd):,} {what} are no objects, such as {json.dumps(odd[0])[:40]}",
                "noted",
            )
            for what, odd in self._odd.items()
        ]

    def _is_object(self, value: Any, what: str) -> bool:
        if isinstance(value, dict):
            return True
        self._odd.setdefault(what, []).append(value)
        return False
