"""One cell of a table as labels: a name, a number, a list, as programs print them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.datasets.dataset import DatasetError

MISSING = frozenset(
    (
        "",
        "nan",
        "-nan",
        "null",
        "none",
        "nil",
        "na",
        "n/a",
        "<na>",
        "#n/a",
        "#na",
        "#null!",
        "nat",
        "-",
        "?",
        "unlabeled",
        "unlabelled",
        "no label",
    )
)  # in small letters
_YES, _NO = (
    frozenset(("1", "true", "yes", "y", "t", "x")),
    frozenset(("0", "-1", "false", "no", "n", "f")),
)
_KEYS = ("choices", "categories", "category", "classes", "class", "labels", "label", "name", "tags")
NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"[\[({{\s]*({NUMBER}(?:\s*[,;|/:_\s]\s*{NUMBER})*)\s*[,.]?[\])}}\s]*")
_BOOLEANS = {"true": "1", "yes": "1", "false": "0", "no": "0"}
_ANY_BOOLEAN = re.compile(r"\b(true|false|yes|no)\b", re.IGNORECASE)
_CALL = re.compile(
    r"(?:\w+\.)?(?:tensor|array|Index|Series|list|tuple|set|frozenset)\((.*?)"
    r"(?:,\s*(?:dtype|device|requires_grad|name)=[^()]*(?:\([^()]*\))?)*,?\s*\)",
    re.DOTALL,
)
_SCALAR = re.compile(r"\b(?:np|numpy)\.\w+\(([^()]*)\)")  # such as np.int64(1)
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")  # quotes as word processors make them
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")  # zero-width, from web pages
_LONGEST_LITERAL = 100_000  # characters that are parsed as a Python literal


def text(cell: object) -> str:
    """A cell as text; empty when it is missing."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    shown = str(cell)
    return (shown if shown.isascii() else _INVISIBLE.sub("", shown)).strip()


def is_missing(cell: object) -> bool:
    """Whether a cell is empty or says in one of the usual words that there is nothing."""
    if isinstance(cell, list | tuple | dict | np.ndarray):
        return False
    return text(cell).casefold() in MISSING


def is_binary(cells: Iterable[object]) -> bool:
    """Whether a column says of a class which images have it: 1 against 0, -1 or nothing."""
    flags = {_flag(cell) for cell in cells} - MISSING
    return bool(flags) and flags <= _YES | _NO


def has_class(cell: object) -> bool:
    """Whether a cell of such a column says that the image has the class."""
    return _flag(cell) in _YES


def _flag(cell: object) -> str:
    """A cell in small letters, numbers in their shortest form."""
    shown = text(cell).casefold()
    return f"{float(shown):g}" if re.fullmatch(NUMBER, shown) else shown


def plain(cell: object) -> str:
    """A cell as text, whole numbers without a fraction."""
    return re.sub(r"^([-+]?\d+)\.0*$", r"\1", text(cell))


def unwrapped(cell: object) -> object:
    """A cell without what Python prints around values, as in `tensor([1, 0])`."""
    return _unwrapped_text(cell) if isinstance(cell, str) else cell


@lru_cache(maxsize=1 << 16)
def _unwrapped_text(cell: str) -> str:
    bare = _SCALAR.sub(r"\1", cell.strip())
    while call := _CALL.fullmatch(bare):
        bare = call[1].strip()
    return bare


def numbers_in(cell: object) -> tuple[float, ...] | None:
    """The numbers in a cell that has nothing else."""
    if isinstance(cell, list | tuple | np.ndarray):
        is_all = len(cell) and all(isinstance(v, int | float | np.number | np.bool_) for v in cell)
        return tuple(float(v) for v in cell) if is_all else None
    return _numbers_in_text(cell) if isinstance(cell, str) else None


@lru_cache(maxsize=1 << 16)  # labels repeat
def _numbers_in_text(cell: str) -> tuple[float, ...] | None:
    bare = re.sub("['\"]", "", cell).strip()
    bare = _ANY_BOOLEAN.sub(lambda word: _BOOLEANS[word[0].casefold()], bare)
    match = _NUMBERS.fullmatch(bare)
    return tuple(float(n) for n in re.findall(NUMBER, match[1])) if match else None


def number_names(numbers: Sequence[float]) -> tuple[str, ...]:
    """Class numbers as names; -1 only fills up."""
    return tuple(dict.fromkeys(f"{number:.12g}" for number in numbers if number != -1))


def list_in(cell: Any, column: str, loose: bool) -> list[str] | None:
    """The labels in a cell that is a list or object, as a value or as text; None for any other."""
    if isinstance(cell, list | tuple | set | dict | np.ndarray):
        return _flat(cell, column)
    bare = cell.strip().translate(_STRAIGHT) if isinstance(cell, str) else ""
    if bare[:1] not in ("[", "(", "{") or bare[-1:] not in ("]", ")", "}"):
        return None
    numbers = numbers_in(bare)
    if numbers is not None:
        return list(number_names(numbers))
    parsed = _parsed(bare)
    if parsed is not None:
        return _flat(parsed, column)
    if not loose:
        return None
    parts = (part.strip().strip("'\"") for part in bare[1:-1].split(","))
    return [part for part in parts if part]


def _parsed(bare: str) -> Any:
    """The value that JSON, numpy or Python have written so; None for none."""
    bare = re.sub(r"(?<=[\[(,\s])nan(?=[\s,)\]])", "None", bare)
    with suppress(ValueError, RecursionError):
        return json.loads(bare.replace("None", "null"))
    quoted = _QUOTED.findall(bare)
    if quoted and not _QUOTED.sub("", bare[1:-1]).strip():  # numpy has no commas; Python would glue
        return [double or other for double, other in quoted]
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
        if any(isinstance(item, list | tuple) and numbers_in(item) for item in items):
            raise DatasetError(f"column {column!r} holds lists of lists of numbers, no labels")
        if numbers_in(list(items)) is not None:
            return list(number_names(numbers_in(list(items)) or ()))
        return [name for item in items for name in _flat(item, column)]
    return list(named(None if is_missing(value) else value))


def named(cell: object, is_number: bool = False) -> tuple[str, ...]:
    """The one label of a cell; none for an empty one."""
    if cell is None:
        return ()
    is_number = is_number or isinstance(cell, float | np.floating)
    return (plain(cell) if is_number else text(cell),)
