"""Labels in a column of a table: names, numbers, lists, vectors of 0 and 1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.layouts.cell_values import (
    NUMBER,
    is_missing,
    list_in,
    named,
    number_names,
    numbers_in,
    plain,
    text,
    unwrapped,
)

PLURALS = ("labels", "tags", "categories", "classes", "choices")
_Names = tuple[str, ...]


@dataclass(frozen=True)
class Labelling:
    """The labels of a column.

    Attributes:
        names: class names of every row.
        is_multi: whether cells are made to hold several.
        notes: how they were understood, where it is not plain.
        warnings: cells that do not have the form of the others.
        width: numbers in each vector; 0 for other labels.
        uses_classes: whether the given names of classes were used.
    """

    names: list[_Names]
    is_multi: bool
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    width: int = 0
    uses_classes: bool = False


def read_labels(
    cells: Sequence[object],
    column: str,
    separator: str = "",
    classes: Mapping[int, str] = MappingProxyType({}),
) -> Labelling:
    """The labels of a column, in the form that all its cells have.

    Args:
        cells: cells of all rows.
        column: name of the column; one that means several labels lets a comma divide them.
        separator: between labels, when the user has said so.
        classes: names of classes by number, where a file has them.

    Raises:
        DatasetError: the cells are vectors of other numbers than 0, 1 and -1, cut off, or objects.
    """
    filled = [None if is_missing(cell) else unwrapped(cell) for cell in cells]
    gone = Counter(str(old) for old, new in zip(cells, filled, strict=True) if new is None)
    if separator:
        made = _divided(filled, column, separator)
    else:
        made = (
            _vectors(filled, column)
            or _number_lists(filled, column)
            or _lists(filled, column)
            or _divided(filled, column, _separator(filled, column))
            or _single(filled, column)
        )
    assert made is not None  # a separator divides, and single names always do
    made = _with_names(made, column, classes)
    gone.pop("", None)
    lost = (_no_label(column, gone),) if gone else ()
    return replace(made, notes=(*made.notes, *lost))


def numbered_classes(n: int) -> _Names:
    """Names for classes that have none."""
    width = len(str(max(n - 1, 0)))
    return tuple(f"class {number:0{width}d}" for number in range(n))


def _vectors(cells: Sequence[Any], column: str) -> Labelling | None:
    """One-hot vectors: as many numbers in every cell, all of them 0 and 1, or -1 and 1."""
    _refuse_cut_off(cells, column)
    rows = _digits(cells) or [None if cell is None else numbers_in(cell) for cell in cells]
    n_filled = sum(cell is not None for cell in cells)
    width = _usual_width([numbers for numbers in rows if numbers is not None], n_filled)
    if width < 2:
        return None
    odd = [
        cell
        for cell, numbers in zip(cells, rows, strict=True)
        if cell is not None and (numbers is None or len(numbers) != width)
    ]
    rows = [numbers if numbers is not None and len(numbers) == width else None for numbers in rows]
    vectors = [numbers for numbers in rows if numbers is not None]
    values = {number for numbers in vectors for number in numbers}
    if not values <= {-1.0, 0.0, 1.0}:
        if odd or all(value.is_integer() for value in values):
            return None  # numbers of classes
        raise DatasetError(
            f"column {column!r} holds vectors of other numbers than 0 and 1, such as "
            f"{sorted(values)[:3]}; labels are class names, numbers, lists of them, or vectors of "
            "0 and 1"
        )
    hot = [() if v is None else tuple(str(n) for n, has in enumerate(v) if has == 1) for v in rows]
    words = "-1 and 1" if -1.0 in values else "0 and 1"
    note = f"column {column!r}: vectors of {words}, one-hot over {width} classes"
    warnings = (
        (
            f"column {column!r}: cells that are no vector of {width} and give no label: "
            f"{len(odd):,}, such as {str(odd[0])[:40]!r}",
        )
        if odd
        else ()
    )
    return Labelling(hot, True, (note,), warnings, width)


def _usual_width(vectors: Sequence[tuple[float, ...]], n_cells: int) -> int:
    """How many numbers at least half of the cells have, all of them 0, 1 or -1; 0 for no such.

    Where all cells have as many, other numbers are allowed: the caller says what is wrong.
    """
    widths = Counter(map(len, vectors))
    if not vectors:
        return 0
    (width, n), *_ = widths.most_common(1)
    if n == n_cells:
        return width
    flags = [v for v in vectors if set(v) <= {-1.0, 0.0, 1.0}]
    is_hot = len(flags) == len(vectors) and any(len(set(v)) < len(v) for v in flags)
    return width if is_hot and width > 2 and 2 * n >= n_cells else 0


def _digits(cells: Sequence[Any]) -> list[tuple[float, ...] | None] | None:
    """Vectors without signs between the numbers, such as 010; None unless all cells are so."""
    texts = [cell for cell in cells if cell is not None]
    is_all = all(isinstance(cell, str) and re.fullmatch(r"[01]{3,}", cell) for cell in texts)
    if not is_all or len({len(cell) for cell in texts}) != 1:
        return None
    if not any(cell.startswith("0") for cell in texts):
        return None  # numbers like any other
    return [None if cell is None else tuple(float(digit) for digit in cell) for cell in cells]


def _refuse_cut_off(cells: Sequence[Any], column: str) -> None:
    """Refuse vectors that were printed in short.

    Raises:
        DatasetError: one is.
    """
    for cell in cells:
        if isinstance(cell, str) and re.fullmatch(
            rf"[\[(\s]*{NUMBER}.*\.\.\.[\s,\d.]*[\])]*", cell, re.DOTALL
        ):
            raise DatasetError(
                f"column {column!r} holds a vector that is cut off ({cell[:40]!r}); write it whole"
            )


def _with_names(made: Labelling, column: str, classes: Mapping[int, str]) -> Labelling:
    """The labels with names for class numbers, where a file has a name for each of them.

    Numbers from 1 to n go with a list of n names too. Vectors get numbered names without a file.
    """
    distinct = {name for names in made.names for name in names}
    numbers = {int(name) for name in distinct if re.fullmatch(r"\d{1,9}", name)}
    if len(numbers) < len(distinct) or not distinct:
        return made
    width = made.width or 1 + max(numbers)
    shift = 0
    if min(numbers) > 0 and not made.width and set(classes) == set(range(max(numbers))):
        shift = 1
    fits = len(classes) == width if made.width else all(n - shift in classes for n in numbers)
    if classes and fits:
        first = min(classes) if made.width else 0  # a list may count from 1
        of = {str(n): classes[n - shift + first] for n in numbers}
        note = f"column {column!r}: class numbers have the names of the list of classes"
        return replace(
            made, names=_renamed(made.names, of), notes=(*made.notes, note), uses_classes=True
        )
    if not made.width:
        return made
    of = dict(zip(map(str, range(width)), numbered_classes(width), strict=True))
    return replace(made, names=_renamed(made.names, of))


def _renamed(names: list[_Names], of: Mapping[str, str]) -> list[_Names]:
    return [tuple(of[name] for name in several) for several in names]


def _lists(cells: Sequence[Any], column: str) -> Labelling | None:
    """Lists as JSON, Python, numpy and annotation tools write them; plain cells are one label."""
    texts = [cell for cell in cells if isinstance(cell, str)]
    bracketed = [cell.strip()[:1] in ("[", "(", "{") for cell in texts]
    loose = bool(texts) and all(bracketed)  # [cat, dog] without quotes only where all cells are so
    parsed = [list_in(cell, column, loose) for cell in cells]
    if all(names is None for names in parsed):
        return None
    names = [
        tuple(dict.fromkeys(named(cell) if of is None else of))
        for cell, of in zip(cells, parsed, strict=True)
    ]
    return Labelling(names, True, (f"column {column!r}: lists of labels",))


def _number_lists(cells: Sequence[Any], column: str) -> Labelling | None:
    """Several class numbers in a cell, such as `3,17`."""
    parsed = [numbers_in(cell) if isinstance(cell, str) else None for cell in cells]
    is_all = all(
        (numbers is None) == (cell is None) for numbers, cell in zip(parsed, cells, strict=True)
    )
    if not is_all or max((len(numbers or ()) for numbers in parsed), default=0) < 2:
        return None
    names = [number_names(numbers or ()) for numbers in parsed]
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
    """A name or number per cell. Beside other classes than 1, -1 says that there is no label."""
    values = {plain(cell) for cell in cells if cell is not None}
    is_numbers = all(re.fullmatch(r"[-+]?\d+", value) for value in values)
    no_label = "-1" if values - {"-1", "1"} else None
    names = [named(cell, is_numbers) for cell in cells]
    n_gone = sum(name == (no_label,) for name in names)
    notes = (_no_label(column, {"-1": n_gone}),) if n_gone else ()
    kept = [() if name == (no_label,) else name for name in names]
    return Labelling(kept, False, notes, _several_in_one(values, column))


def _several_in_one(values: set[str], column: str) -> tuple[str, ...]:
    """A warning for names that consist of other names, such as cat+dog beside cat and dog."""
    for mark in ("+", "/", "&", ",", " and "):
        for value in sorted(values):
            parts = {part.strip() for part in value.split(mark)}
            if len(parts) > 1 and parts <= values:
                return (
                    f"column {column!r}: {value!r} looks like several labels; --separator {mark!r} "
                    "divides them",
                )
    return ()


def _separator(cells: Sequence[Any], column: str) -> str:
    """`|` or `;` where a cell has one; a comma where the column is named for several labels.

    In any other column a comma divides when every part of such a cell is also a part of another:
    `cat, dog` beside `cat` and `dog`, but not `Paris, France`. In one named for several labels a
    blank divides when half of the parts are: `clear primary` beside `haze primary`.
    """
    texts = {cell for cell in cells if isinstance(cell, str)}
    is_plural = column.lower() in PLURALS
    for mark in ("|", ";", "\t", "\n", ",") if is_plural else ("|", ";", "\t", "\n"):
        if any(mark in cell for cell in texts):
            return mark
    mark = " " if is_plural else ","
    parts = {cell: {part.strip() for part in cell.split(mark)} for cell in texts}
    uses = Counter(part for of in parts.values() for part in of)
    several = {part for of in parts.values() if len(of) > 1 for part in of}
    n_again = sum(uses[part] > 1 for part in several)
    return mark if several and n_again >= (0.5 if is_plural else 1) * len(several) else ""


def _no_label(column: str, gone: dict[str, int]) -> str:
    words = ", ".join(f"{word!r} {n:,}" for word, n in sorted(gone.items()))
    return f"column {column!r}: cells that give no label: {words}"
