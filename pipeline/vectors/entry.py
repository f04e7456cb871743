"""One array, column or list of a file, whatever kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)


@dataclass(frozen=True)
class Unusable:
    """An entry that is there but cannot be read; `reason` says why, and what to do."""

    reason: str


Entry = NDArray[Any] | list[Any] | Unusable
Entries = Mapping[str, Entry]


def described(entries: Entries) -> str:
    """The entries with their shapes, for messages."""
    return ", ".join(f"{name} ({_shape(entry)})" for name, entry in entries.items())


def _shape(entry: Entry) -> str:
    if isinstance(entry, Unusable):
        return "cannot be read"
    if isinstance(entry, list):
        return f"{len(entry):,} values"
    return " x ".join(f"{n:,}" for n in entry.shape) + f" {entry.dtype}"


def matrix_of(rows: Any) -> Entry:
    """The vectors (n, d) in lists; a missing one is all NaN, and named when it is checked."""
    if isinstance(rows, np.ndarray):
        return rows
    widths = {len(row) for row in rows if row is not None}
    if len(widths) > 1:
        return list(rows)  # lists of class numbers, or vectors that are said to be uneven
    empty = [np.nan] * max(widths, default=0)
    return np.array([empty if row is None else row for row in rows], np.float64)


def with_numbered(entries: dict[str, Entry]) -> Entries:
    """Put columns that are numbered through, such as f0 ... f767, together as one matrix."""
    groups: dict[str, dict[int, str]] = {}
    for name, entry in entries.items():
        match = _NUMBERED.fullmatch(name)
        if match and isinstance(entry, np.ndarray) and entry.ndim == 1:
            groups.setdefault(match[1], {})[int(match[2])] = name
    for stem, columns in groups.items():
        numbers = sorted(columns)
        if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            names = [columns[number] for number in numbers]
            matrix = np.stack([np.asarray(entries.pop(name)) for name in names], axis=1)
            entries[stem.strip("_- .") or "columns"] = matrix
    return entries
