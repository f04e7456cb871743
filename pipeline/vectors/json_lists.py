"""The lists in JSON documents, however deep, and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.ingest.text import decode_text
from pipeline.vectors.entry import Entries, Entry, matrix_of

_MOST_KEYS = 5  # of an object that is a set of columns rather than of vectors by id


def read_json(path: Path) -> Entries:
    """The lists of a document, or the columns of its lines."""
    text = decode_text(path.read_bytes(), path.name).content
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        document = [json.loads(line) for line in text.splitlines() if line.strip()]
    return {name or path.stem: entry for name, entry in _of_json(document, "").items()}


def _of_json(value: Any, name: str) -> dict[str, Entry]:
    """The lists in a document by where they stand, such as `data.ids`."""
    if isinstance(value, dict):
        if (by_id := _by_id(value)) is not None:
            return by_id
        entries: dict[str, Entry] = {}
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                entries |= _of_json(inner, f"{name}.{key}" if name else str(key))
        return entries
    if value and all(isinstance(row, dict) for row in value):
        keys = dict.fromkeys(key for row in value for key in row)
        prefix = f"{name}." if name else ""
        return {f"{prefix}{key}": _listed([row.get(key) for row in value]) for key in keys}
    return {name: _listed(value)}


def _by_id(document: dict[str, Any]) -> dict[str, Entry] | None:
    """An object that has the vector of each id."""
    rows = list(document.values())
    is_vectors = len(rows) > _MOST_KEYS or any("." in key or "/" in key for key in document)
    if not is_vectors or not all(_is_numbers(row) for row in rows):
        return None
    matrix = matrix_of(rows)
    return {"id": list(document), "vectors": matrix} if isinstance(matrix, np.ndarray) else None


def _is_numbers(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) > 1
        and all(isinstance(value, int | float) for value in row)
    )


def _listed(values: Sequence[Any]) -> Entry:
    if values and all(_is_numbers(row) for row in values):
        matrix = matrix_of(values)
        is_whole = isinstance(matrix, np.ndarray) and bool((matrix == np.round(matrix)).all())
        return list(values) if is_whole and len(values[0]) < 2 else matrix
    return list(values)
