"""Labels in the cells of a table: a name, a number, a list, a vector of 0 and 1."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.datasets.base import DatasetError

MISSING = frozenset({"", "nan", "NaN", "NAN", "null", "NULL", "None", "<NA>", "#N/A"})
PLURALS = ("labels", "tags", "categories", "classes", "choices")
_KEYS = ("choices", "categories", "category", "classes", "class", "labels", "label", "name", "tags")
_NUMBER = r"[-+]?\d+(?:\.\d*)?"
_NUMBERS = re.compile(rf"[\[(]?\s*({_NUMBER}(?:\s*[,;|\s]\s*{_NUMBER})*)\s*[,.]?\s*[\])]?")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_LONGEST_LITERAL = 100_000  # characters that are parsed as a Python literal
_Names = tuple[str, ...]


@dataclass(frozen=True)
class Labelling:
    """The labels of a column.

    Attributes:
        names: class names of every row.
        is_multi: whether cells are made to hold several.
        notes: how they were understood, where it is not plain.
        uses_classes: whether the given names of classes were used.
    """

    names: list[_Names]
    is_multi: bool
    notes: tuple[str, ...] = ()
    uses_classes: bool = False


def read_labels(
    cells: Sequence[object], column: str, separator: str = "", classes: Sequence[str] = ()
) -> Labelling:
    """The labels of a column, in the form that all its cells have.

    Args:
        cells: of all rows.
        column: its name; one that means several labels lets a comma divide them.
        separator: between labels, when the user has said so.
        classes: their names, for vectors of as many numbers.

    Raises:
        DatasetError: the cells are vectors of other numbers than 0, 1 and -1, or objects.
    """
    filled = [None if _is_missing(cell) else cell for cell in cells]
    gone = Counter(str(old) for old, new in zip(cells, filled, strict=True) if new is None)
    if separator:
        made = _divided(filled, column, separator)
    else:
        made = (
            _vectors(filled, column, classes)
            or _lists(filled, column)
            or _number_lists(filled, column)
            or _divided(filled, column, _separator(filled, column))
            or _single(filled, column)
        )
    assert made is not None  # a separator divides, and single names always do
    gone.pop("", None)
    lost = (_no_label(column, gone),) if gone else ()
    return replace(made, notes=(*made.notes, *lost))


def is_binary(cells: Iterable[object]) -> bool:
    """Whether a column says of a class which images have it: 1 against 0, -1 or nothing."""
    found = {_plain(cell) for cell in cells} - MISSING
    return bool(found) and found <= {"0", "1", "-1", "True", "False", "true", "false"}


def has_class(cell: object) -> bool:
    """What a cell of such a column says."""
    return _plain(cell) in ("1", "True", "true")


def text(cell: object) -> str:
    """A cell as text; empty when it is missing."""
    is_nothing = cell is None or (isinstance(cell, float) and cell != cell)
    return "" if is_nothing else str(cell).strip()


def numbered_classes(n: int) -> _Names:
    """Names for classes that have none."""
    width = len(str(max(n - 1, 0)))
    return tuple(f"class {number:0{width}d}" for number in range(n))


def _is_missing(cell: object) -> bool:
    if isinstance(cell, list | tuple | dict | np.ndarray):
        return False
    return text(cell) in MISSING


def _plain(cell: object) -> str:
    """A cell as text, whole numbers without a fraction."""
    return re.sub(r"^([-+]?\d+)\.0*$", r"\1", text(cell))


def _vectors(cells: Sequence[Any], column: str, classes: Sequence[str]) -> Labelling | None:
    """One-hot vectors: as many numbers in every cell, all of them 0 and 1, or -1 and 1."""
    found = [None if cell is None else _numbers(cell) for cell in cells]
    vectors = [numbers for numbers in found if numbers is not None]
    n_filled = sum(cell is not None for cell in cells)
    widths = {len(numbers) for numbers in vectors}
    if not vectors or len(vectors) < n_filled or len(widths) != 1 or widths == {1}:
        return None
    values, width = {number for numbers in vectors for number in numbers}, widths.pop()
    if not values <= {-1.0, 0.0, 1.0}:
        if all(value.is_integer() for value in values):
            return None  # numbers of classes
        raise DatasetError(
            f"column {column!r} holds vectors of other numbers than 0 and 1, such as "
            f"{sorted(values)[:3]}; labels are class names, numbers, lists of them, or vectors of "
            "0 and 1"
        )
    named = len(classes) == width
    names = tuple(classes) if named else numbered_classes(width)
    hot = [
        () if v is None else tuple(n for n, has in zip(names, v, strict=True) if has == 1)
        for v in found
    ]
    words = "-1 and 1" if -1.0 in values else "0 and 1"
    whose = "with the names of the list of classes" if named else f"numbered {names[0]!r} and on"
    note = f"column {column!r}: vectors of {words}, one-hot over {width} classes, {whose}"
    return Labelling(hot, True, (note,), named)


def _lists(cells: Sequence[Any], column: str) -> Labelling | None:
    """Lists as JSON, Python, numpy and annotation tools write them; plain cells are one label."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    bracketed = [cell.strip()[:1] in ("[", "(", "{") for cell in texts]
    loose = bool(texts) and all(bracketed)  # [cat, dog] without quotes only where all cells are so
    found = [_as_list(cell, column, loose) for cell in cells]
    if all(names is None for names in found):
        return None
    names = [
        tuple(dict.fromkeys(_named(cell) if of is None else of))
        for cell, of in zip(cells, found, strict=True)
    ]
    return Labelling(names, True, (f"column {column!r}: lists of labels",))


def _number_lists(cells: Sequence[Any], column: str) -> Labelling | None:
    """Several class numbers in a cell, such as `3,17`."""
    found = [_numbers(cell) if isinstance(cell, str) else None for cell in cells]
    is_all = all((one is None) == (cell is None) for one, cell in zip(found, cells, strict=True))
    if not is_all or max((len(numbers or ()) for numbers in found), default=0) < 2:
        return None
    names = [_number_names(numbers or ()) for numbers in found]
    return Labelling(names, True, (f"column {column!r}: lists of class numbers",))


def _divided(cells: Sequence[Any], column: str, separator: str) -> Labelling | None:
    if not separator:
        return None
    names = [
        tuple(dict.fromkeys(part.strip() for part in text(cell).split(separator) if part.strip()))
        for cell in cells
    ]
    return Labelling(names, True, (f"column {column!r}: labels divided by {separator!r}",))


def _single(cells: Sequence[Any], column: str) -> Labelling:
    """A name or number a cell. Beside other class numbers, -1 says that there is no label."""
    values = {_plain(cell) for cell in cells if cell is not None}
    is_numbers = all(re.fullmatch(r"[-+]?\d+", value) for value in values)
    no_label = "-1" if is_numbers and values - {"-1", "1"} else None
    names = [_named(cell, is_numbers) for cell in cells]
    n_gone = sum(name == (no_label,) for name in names)
    notes = (_no_label(column, {"-1": n_gone}),) if n_gone else ()
    return Labelling([() if name == (no_label,) else name for name in names], False, notes)


def _separator(cells: Sequence[Any], column: str) -> str:
    """`|` or `;` where a cell has one; a comma where the column is named for several labels.

    In any other column a comma, and in one named so a blank, divides when every part of such a
    cell is also a part of another: `cat, dog` beside `cat` and `dog`, but not `Paris, France`.
    """
    texts = {cell for cell in cells if isinstance(cell, str)}
    is_plural = column.lower() in PLURALS
    for mark in ("|", ";", ",") if is_plural else ("|", ";"):
        if any(mark in cell for cell in texts):
            return mark
    mark = " " if is_plural else ","
    parts = {cell: {part.strip() for part in cell.split(mark)} for cell in texts}
    uses = Counter(part for of in parts.values() for part in of)
    several = [of for of in parts.values() if len(of) > 1]
    return mark if several and all(uses[part] > 1 for of in several for part in of) else ""


def _numbers(cell: object) -> tuple[float, ...] | None:
    """The numbers in a cell that has nothing else."""
    if isinstance(cell, list | tuple | np.ndarray):
        is_all = len(cell) and all(isinstance(v, int | float | np.number | np.bool_) for v in cell)
        return tuple(float(v) for v in cell) if is_all else None
    bare = re.sub("['\"]", "", cell).strip() if isinstance(cell, str) else ""
    found = _NUMBERS.fullmatch(bare)
    return tuple(float(n) for n in re.findall(_NUMBER, found[1])) if found else None


def _as_list(cell: Any, column: str, loose: bool) -> list[str] | None:
    """The labels in a cell that is a list or object, as a value or as text; None for any other."""
    if isinstance(cell, list | tuple | set | dict | np.ndarray):
        return _flat(cell, column)
    bare = cell.strip() if isinstance(cell, str) else ""
    if bare[:1] not in ("[", "(", "{") or bare[-1:] not in ("]", ")", "}"):
        return None
    parsed = _parsed(bare)
    if parsed is not None:
        return _flat(parsed, column)
    if not loose:
        return None
    parts = (part.strip().strip("'\"") for part in bare[1:-1].split(","))
    return [part for part in parts if part]


def _parsed(bare: str) -> Any:
    """The value that JSON, numpy or Python have written so; None for none."""
    with suppress(ValueError, RecursionError):
        return json.loads(bare)
    quoted = _QUOTED.findall(bare)
    if quoted and not _QUOTED.sub("", bare[1:-1]).strip():  # numpy has no commas; Python would glue
        return [one or other for one, other in quoted]
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        if len(bare) <= _LONGEST_LITERAL:
            return ast.literal_eval(bare)
    return None


def _flat(value: Any, column: str) -> list[str]:
    """The labels in a parsed value, however deep.

    Raises:
        DatasetError: an object has none under a usual key.
    """
    if isinstance(value, dict):
        keys = [key for key in value if key in _KEYS or str(key).endswith("labels")]
        if keys:
            return _flat(value[keys[0]], column)
        if all(isinstance(flag, int) and flag in (0, 1) for flag in value.values()):
            return [str(name) for name, flag in value.items() if flag]
        raise DatasetError(
            f"column {column!r} holds objects with {', '.join(map(str, value))[:80]}; "
            f"labels are looked for under {', '.join(_KEYS)}"
        )
    if isinstance(value, list | tuple | set | np.ndarray):
        items = sorted(value, key=str) if isinstance(value, set) else value
        if _numbers(list(items)) is not None:
            return list(_number_names(_numbers(list(items)) or ()))
        return [name for item in items for name in _flat(item, column)]
    return list(_named(None if _is_missing(value) else value))


def _number_names(numbers: Sequence[float]) -> _Names:
    """Class numbers as names; -1 only fills up."""
    return tuple(dict.fromkeys(f"{number:.12g}" for number in numbers if number != -1))


def _named(cell: object, is_number: bool = False) -> _Names:
    if cell is None:
        return ()
    is_number = is_number or isinstance(cell, float | np.floating)
    return (_plain(cell) if is_number else text(cell),)


def _no_label(column: str, gone: dict[str, int]) -> str:
    words = ", ".join(f"{word!r} {n:,}" for word, n in sorted(gone.items()))
    return f"column {column!r}: cells that give no label: {words}"
