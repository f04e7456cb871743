"""The lists of the hashing field: a path and 0 or 1 for each class on every line.

Files are called train.txt, test.txt and database.txt; class names may stand in classes.txt.
"""

from __future__ import annotations

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, Record, reading
from pipeline.datasets.problems import Problem
from pipeline.datasets.tree import File, FileTree, split_word

TITLE = "hashing lists (path 0 1 0 ...)"
_Lines = list[tuple[str, tuple[int, ...]]]
_NAMES = ("classes", "class_names", "labels", "concepts", "categories")


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where text files consist of such lines."""
    lists = _lists(tree)
    if not lists:
        return None
    n = sum(len(lines) for _, lines in lists)
    return 0.97, f"{n} lines in {', '.join(file.name for file, _ in lists[:3])}"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Images with their classes; an image in train.txt and database.txt trains.

    Raises:
        DatasetError: lists have different numbers of classes, or names are fewer than classes.
    """
    lists = _lists(tree)
    widths = {len(numbers) for _, lines in lists for _, numbers in lines}
    if len(widths) > 1:
        raise DatasetError(f"lines have different numbers of classes: {sorted(widths)}")
    n_classes = widths.pop() if widths else 0
    if n_classes == 1:  # one number: the class itself
        n_classes = 1 + max(numbers[0] for _, lines in lists for _, numbers in lines)
    names, named_in = _class_names(tree, n_classes)
    records, problems = [], []
    for file, lines in sorted(lists, key=lambda pair: _rank(pair[0])):
        for path, numbers in lines:
            found = tree.find(path, "/".join(file.parts[:-1]))
            if found is None:
                problems.append(Problem(path, f"named in {file.name}, not there"))
            else:
                records.append(Record(found, {"class": _classes(numbers, names)}, _word(file)))
    return reading(tree, records, problems, label_files=[*(f for f, _ in lists), *named_in])


def _lists(tree: FileTree) -> list[tuple[File, _Lines]]:
    files = [tree.main] if tree.main else tree.files
    parsed = [
        (file, tree.parsed(file, _parse)) for file in files if file.suffix in (".txt", ".lst")
    ]
    return [(file, lines) for file, lines in parsed if lines]


def _parse(file: File) -> _Lines | None:
    """The lines; None when the file is something else."""
    lines: _Lines = []
    try:
        text = file.read().decode("utf-8-sig")
    except (UnicodeDecodeError, OSError):
        return None
    for line in filter(str.strip, text.splitlines()):
        words = line.split()
        start = len(words)
        while start > 1 and words[start - 1].isdecimal():
            start -= 1
        numbers = tuple(map(int, words[start:]))
        if not numbers or (len(numbers) > 1 and max(numbers) > 1):
            return None
        lines.append((" ".join(words[:start]), numbers))
    return lines


def _classes(numbers: tuple[int, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    if len(numbers) == 1:
        return (names[numbers[0]],)
    return tuple(name for name, has in zip(names, numbers, strict=True) if has)


def _class_names(tree: FileTree, n_classes: int) -> tuple[tuple[str, ...], list[File]]:
    """Names of the classes, and the file that has them."""
    for file in tree.files:
        if file.suffix == ".txt" and file.stem.lower().rstrip("0123456789") in _NAMES:
            text = file.read().decode("utf-8", "replace")
            names = tuple(line.strip() for line in text.splitlines() if line.strip())
            if len(names) < n_classes:
                raise DatasetError(f"{file.name} names {len(names)} of {n_classes} classes")
            return names[:n_classes], [file]
    width = len(str(max(n_classes - 1, 0)))
    return tuple(f"class {number:0{width}d}" for number in range(n_classes)), []


def _word(file: File) -> str:
    """`test.txt` has queries, and so has `val.txt` of lists that have no test."""
    return next((w for w in map(split_word, file.stem.lower().split("_")) if w), "")


def _rank(file: File) -> int:
    """Training lists first: the first record of an image decides its part."""
    return ("train", "query", "held out", "database", "").index(_word(file))
