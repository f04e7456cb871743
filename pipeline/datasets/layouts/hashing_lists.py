"""The lists of the hashing field: a path and 0 or 1 for each class on every line.

Files are called train.txt, test.txt and database.txt; class names may stand in classes.txt.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from pipeline.datasets.base import DatasetError
from pipeline.datasets.finding import Finder
from pipeline.datasets.layouts.cells import numbered_classes
from pipeline.datasets.layouts.class_names import class_names
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Record
from pipeline.datasets.problems import Problem
from pipeline.datasets.split_words import splits_of
from pipeline.datasets.text import decode_text
from pipeline.datasets.tree import File, FileTree

TITLE = "hashing lists (path 0 1 0 ...)"
_SUFFIXES = (".txt", ".lst")
_PROBE = 1000  # lines looked at to see whether a file is a list of images
_NUMBERS = re.compile(r"(.*?)((?:[\s,]+[-+]?\d+(?:\.0*)?)+)[\s,]*")


class _Line(NamedTuple):
    number: int
    path: str
    numbers: tuple[int, ...]


class _List(NamedTuple):
    file: File
    lines: tuple[_Line, ...]
    bad: tuple[int, ...]


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where text files consist of such lines."""
    lists = _lists(tree, options)
    if not lists:
        return None
    n = sum(len(one.lines) for one in lists)
    return 0.97, f"{n} lines in {', '.join(one.file.name for one in lists[:3])}"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Images with their classes; an image in train.txt and database.txt trains.

    Raises:
        DatasetError: lists have different numbers of classes, or names are fewer than classes.
    """
    lists, finder = _lists(tree, options), Finder(tree)
    width = _width([len(line.numbers) for one in lists for line in one.lines])
    words = splits_of(one.file.stem for one in lists)
    names, named_in = _names(tree, lists, width)
    records, problems = [], []
    for one in sorted(lists, key=lambda one: _rank(words[one.file.stem])):
        problems += [
            Problem(one.file.name, f"line {number} is no path with numbers") for number in one.bad
        ]
        for line in one.lines:
            if len(line.numbers) != width:
                reason = f"line {line.number} has {len(line.numbers)} numbers, most have {width}"
                problems.append(Problem(one.file.name, reason))
                continue
            found = finder.find(line.path, one.file)
            if found is not None:
                classes = {"class": _classes(line.numbers, names)}
                word = words[one.file.stem]
                records.append(Record(found.file, classes, word, named=line.path))
    notes = ["-1 in the lists says that an image is not of the class"] if _has_minus(lists) else []
    return reading(
        tree,
        records,
        [*problems, *finder.problems],
        label_files=[*(one.file for one in lists), *named_in],
        notes=[*notes, *finder.notes],
    )


def _lists(tree: FileTree, options: ReadOptions) -> list[_List]:
    """The lists that name a file of the tree, or the one that the user named."""
    files = [tree.main] if tree.main else tree.files
    parsed = [
        tree.parsed(file, _parse, options.encoding) for file in files if file.suffix in _SUFFIXES
    ]
    return [one for one in parsed if one is not None and (tree.main or _names_files(one, tree))]


def _names_files(one: _List, tree: FileTree) -> bool:
    paths = (line.path for line in one.lines[:_PROBE])
    return any(tree.names.find(path, one.file.folder) for path in paths)


def _parse(file: File, encoding: str) -> _List | None:
    """The lines of a list; None when the file is something else."""
    lines, bad = [], []
    try:
        text = decode_text(file.read(), file.name, encoding).content
    except (DatasetError, OSError):
        return None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = _NUMBERS.fullmatch(line.strip())
        numbers = (
            tuple(int(float(word)) for word in re.split(r"[\s,]+", found[2]) if word)
            if found
            else ()
        )
        is_hot = len(numbers) == 1 or set(numbers) <= {-1, 0, 1}
        if found and found[1] and is_hot:
            lines.append(_Line(number, found[1], numbers))
        else:
            bad.append(number)
    return _List(file, tuple(lines), tuple(bad)) if len(lines) > len(bad) else None


def _width(widths: list[int]) -> int:
    """How many numbers lines have.

    Raises:
        DatasetError: no number is that of most lines.
    """
    (width, n), *_ = Counter(widths).most_common(1)
    if 2 * n <= len(widths):
        raise DatasetError(f"lines have different numbers of classes: {sorted(set(widths))}")
    return width


def _names(tree: FileTree, lists: list[_List], width: int) -> tuple[tuple[str, ...], list[File]]:
    """Names of the classes, and the file that has them.

    Raises:
        DatasetError: it has too few.
    """
    n_classes = width
    if width == 1:  # one number: the class itself
        n_classes = 1 + max(line.numbers[0] for one in lists for line in one.lines)
    names, named_in = class_names(tree)
    if named_in and len(names) < n_classes:
        raise DatasetError(f"{named_in[0].name} names {len(names)} of {n_classes} classes")
    return (names[:n_classes], named_in) if names else (numbered_classes(n_classes), [])


def _classes(numbers: tuple[int, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    if len(numbers) == 1:
        return (names[numbers[0]],) if numbers[0] >= 0 else ()
    return tuple(name for name, has in zip(names, numbers, strict=True) if has == 1)


def _has_minus(lists: list[_List]) -> bool:
    return any(-1 in line.numbers for one in lists for line in one.lines)


def _rank(word: str) -> int:
    """Training lists first: the first record of an image decides its part."""
    return ("train", "query", "held out", "database", "").index(word)
