"""The lists of the hashing field: a path and 0 or 1 for each class on every line.

Files are called train.txt, test.txt and database.txt; class names may stand in classes.txt.
"""

from __future__ import annotations

from collections import Counter

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.finding import Finder
from pipeline.ingest.layouts.cells import numbered_classes
from pipeline.ingest.layouts.class_names import ClassNames, class_names
from pipeline.ingest.layouts.hashing_lines import HashingList, Line, parse_list
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.split_words import splits_of
from pipeline.ingest.tree import FileTree

TITLE = "hashing lists (path 0 1 0 ...)"
_SUFFIXES = (".txt", ".lst")
_PARTS = ("train", "held out", "query")
_PROBE = 1000  # lines looked at to see whether a file is a list of images


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise text files that consist of such lines."""
    lists = _lists(tree, options)
    if not lists:
        return None
    n = sum(len(listing.lines) for listing in lists)
    return 0.97, f"{n} lines in {', '.join(listing.file.name for listing in lists[:3])}"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read images with their classes; an image in train.txt and database.txt trains.

    A line has 1 or 0 (or -1) for each class, the number of its class, or the numbers of several.

    Raises:
        DatasetError: lists have different numbers of classes, or names are fewer than classes.
    """
    lists, finder = _lists(tree, options), Finder(tree)
    used = {listing.file.name for listing in lists}
    lists, parts = _without_parts(lists)
    width = _width([line for listing in lists for line in listing.lines])
    words = splits_of(listing.file.stem for listing in lists)
    classes = class_names(tree)
    names = _names(lists, width, classes)
    records, problems = [], []
    for listing in sorted(lists, key=lambda listing: _rank(words[listing.file.stem])):
        problems += [
            Problem(listing.file.name, f"line {number} is no path with numbers")
            for number in listing.bad
        ]
        for line in listing.lines:
            if width > 1 and len(line.numbers) != width:
                reason = f"line {line.number} has {len(line.numbers)} numbers, most have {width}"
                problems.append(Problem(listing.file.name, reason))
                continue
            match = finder.find(line.path, listing.file)
            if match is not None:
                labels = {"class": tuple(names[n] for n in _classes(line, width))}
                word = words[listing.file.stem] or parts.get(line.path, "")
                records.append(
                    Record(match.file, labels, word, named=line.path, source=listing.file.name)
                )
    return reading(
        tree,
        records,
        [*problems, *finder.problems],
        label_files=[
            *(file for file in tree.files if file.suffix in _SUFFIXES and file.name in used),
            *([classes.file] if classes.file else []),
        ],
        doubt=_doubt(lists, width),
        notes=[*_notes(lists, width), *finder.notes],
    )


def _lists(tree: FileTree, options: ReadOptions) -> list[HashingList]:
    """The lists that name a file of the tree, or the one that the user named.

    Those below ImageSets belong to Pascal VOC: one for each class, with 0 for difficult.
    """
    files = [tree.main] if tree.main else tree.files
    parsed = [
        tree.parsed(file, parse_list, options.encoding)
        for file in files
        if file.suffix in _SUFFIXES and "ImageSets" not in file.parts
    ]
    return [
        listing
        for listing in parsed
        if listing is not None and (tree.main or _names_files(listing, tree))
    ]


def _without_parts(lists: list[HashingList]) -> tuple[list[HashingList], dict[str, str]]:
    """The lists of labels, and the part of each path where a list beside them has 0, 1 and 2.

    So are the partitions of CelebA: training, validation and test.
    """
    is_wide = any(len(line.numbers) > 1 for listing in lists for line in listing.lines)
    for listing in lists if is_wide else ():
        numbers = {line.numbers for line in listing.lines}
        if numbers == {(0,), (1,), (2,)}:
            parts = {line.path: _PARTS[line.numbers[0]] for line in listing.lines}
            return [other for other in lists if other is not listing], parts
    return lists, {}


def _names_files(listing: HashingList, tree: FileTree) -> bool:
    paths = (line.path for line in listing.lines[:_PROBE])
    return any(tree.names.find(path, listing.file.folder) for path in paths)


def _width(lines: list[Line]) -> int:
    """How many classes lines have a number for; 1 where numbers are those of classes.

    Raises:
        DatasetError: no width is that of most lines.
    """
    if any(len(line.numbers) > 1 and max(line.numbers) > 1 for line in lines):
        return 1
    widths = [len(line.numbers) for line in lines]
    (width, n), *_ = Counter(widths).most_common(1)
    if 2 * n <= len(widths):
        raise DatasetError(f"lines have different numbers of classes: {sorted(set(widths))}")
    return width


def _names(lists: list[HashingList], width: int, classes: ClassNames) -> dict[int, str]:
    """Names of the classes by number.

    Raises:
        DatasetError: the file that has them has too few.
    """
    if width > 1:
        header = next((listing.header for listing in lists if len(listing.header) == width), ())
        return dict(enumerate(classes.first(width) or header or numbered_classes(width)))
    numbers = {n for listing in lists for line in listing.lines for n in line.numbers} - {-1}
    highest = max(numbers, default=0)
    if not classes.names:
        digits = len(str(highest))
        return {number: f"class {number:0{digits}d}" for number in numbers}
    if numbers <= set(classes.names):
        return classes.names
    if min(numbers) == 1 and set(classes.names) == set(range(highest)):  # counted from 1
        return {number + 1: name for number, name in classes.names.items()}
    raise DatasetError(
        f"{classes.file.name if classes.file else 'the list'} names {len(classes.names)} classes; "
        f"the lists have numbers up to {highest}"
    )


def _classes(line: Line, width: int) -> tuple[int, ...]:
    """The numbers of a line's classes."""
    if width > 1:
        return tuple(place for place, has in enumerate(line.numbers) if has == 1)
    return tuple(dict.fromkeys(number for number in line.numbers if number >= 0))


def _notes(lists: list[HashingList], width: int) -> list[str]:
    n_minus = sum(-1 in line.numbers for listing in lists for line in listing.lines)
    if not n_minus:
        return []
    if width > 1:
        return ["-1 in the lists says that an image is not of the class"]
    return [f"lines with -1 for a class, which have no label: {n_minus:,}"]


def _doubt(lists: list[HashingList], width: int) -> str:
    """Why numbers may be no classes, as those of boxes and sizes are none; empty when they may."""
    lines = [line.numbers for listing in lists for line in listing.lines]
    if width > 1 or all(len(numbers) == 1 for numbers in lines):
        return ""
    has_repeated = any(len(set(numbers)) < len(numbers) for numbers in lines)
    n = len(lines[0])
    if has_repeated or (n > 2 < len(lines) and all(len(numbers) == n for numbers in lines)):
        return f"the lines of {lists[0].file.name} have several numbers that may be no classes"
    return ""


def _rank(word: str) -> int:
    """Training lists first: the first record of an image decides its part."""
    return ("train", "query", "held out", "database", "").index(word)
