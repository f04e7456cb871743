"""YOLO: a text file per image with a class number and a box on every line, names in data.yaml."""

from __future__ import annotations

import re

import yaml

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.cells import numbered_classes
from pipeline.datasets.layouts.class_names import class_names
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Record
from pipeline.datasets.problems import Problem
from pipeline.datasets.text import decode_text
from pipeline.datasets.tree import File, FileTree

TITLE = "YOLO boxes"
_LINE = re.compile(r"\d+(?:\s+[-+]?\d*\.?\d+(?:e-?\d+)?){4,}", re.IGNORECASE)


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Certain where text files beside images, or in labels/ beside images/, hold boxes."""
    if tree.main:
        return None
    pairs = _pairs(tree)
    n = sum(bool(tree.parsed(label, _numbers)) for label in pairs.values())
    return (0.96, f"{n} of {len(tree.images)} images have boxes") if n else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the classes of its boxes; one without a text file has none.

    Raises:
        DatasetError: the names in data.yaml cannot be read, or are fewer than the classes.
    """
    pairs, records, problems = _pairs(tree), [], []
    numbers = {name: tree.parsed(label, _numbers) for name, label in pairs.items()}
    highest = max((n for found in numbers.values() for n in found or ()), default=-1)
    names, named_in = _names(tree, highest + 1)
    for image in tree.images:
        found = numbers.get(image.name, ())
        if found is None:
            problems.append(Problem(pairs[image.name].name, "has lines that are no boxes"))
        else:
            classes = tuple(names[number] for number in sorted(set(found)))
            records.append(Record(image, {"objects": classes}))
    orphans = _orphans(tree, pairs)
    problems += [Problem(file.name, "holds boxes, its image is not there") for file in orphans]
    return reading(
        tree,
        records,
        problems,
        label_files=[*pairs.values(), *orphans, *named_in],
        kinds={"objects": "multi"},
        unnamed="its boxes cannot be read",
    )


def _pairs(tree: FileTree) -> dict[str, File]:
    """The text file of each image that has one, by the image's name."""
    texts = {file.name: file for file in tree.files if file.suffix == ".txt"}
    found = {}
    for image in tree.images if texts else ():
        stem = image.name.removesuffix(image.suffix) if image.suffix else image.name
        stem = stem[: len(image.name) - len(image.parts[-1])] + image.stem
        folders = [i for i, part in enumerate(image.parts[:-1]) if part == "images"]
        beside = [_replaced(image, place) for place in reversed(folders)]
        names = (f"{stem}.txt", *(f"{place}.txt" for place in beside))
        label = next((texts[name] for name in names if name in texts), None)
        if label is not None:
            found[image.name] = label
    return found


def _orphans(tree: FileTree, pairs: dict[str, File]) -> list[File]:
    """Text files with boxes that belong to no image."""
    taken = {file.name for file in pairs.values()}
    texts = (f for f in tree.files if f.suffix == ".txt" and f.name not in taken)
    return [file for file in texts if tree.parsed(file, _numbers)]


def _replaced(image: File, place: int) -> str:
    """The image's path without suffix, with labels/ instead of a folder images/."""
    return "/".join([*image.parts[:place], "labels", *image.parts[place + 1 : -1], image.stem])


def _numbers(file: File) -> tuple[int, ...] | None:
    """The class of every box; None where a line is no box."""
    try:
        lines = decode_text(file.read(), file.name).content.splitlines()
    except (DatasetError, OSError):
        return None
    boxes = [line.strip() for line in lines if line.strip()]
    if not all(_LINE.fullmatch(box) for box in boxes):
        return None
    return tuple(int(box.split()[0]) for box in boxes)


def _names(tree: FileTree, n_classes: int) -> tuple[tuple[str, ...], list[File]]:
    """Names of the classes from data.yaml or a list of them, else their numbers.

    Raises:
        DatasetError: the file is no YAML, or names too few.
    """
    for file in tree.files:
        if file.suffix not in (".yaml", ".yml"):
            continue
        try:
            document = yaml.safe_load(decode_text(file.read(), file.name).content)
        except yaml.YAMLError as error:
            raise DatasetError(f"{file.name} is no readable YAML ({error})") from error
        found = document.get("names") if isinstance(document, dict) else None
        if found:
            of = dict(found.items() if isinstance(found, dict) else enumerate(found))
            return _enough(tuple(str(of[n]) for n in range(n_classes) if n in of), n_classes, file)
    listed = class_names(tree)
    if listed.file is None:
        return numbered_classes(n_classes), []
    return listed.first(n_classes), [listed.file]


def _enough(names: tuple[str, ...], n: int, file: File) -> tuple[tuple[str, ...], list[File]]:
    if len(names) < n:
        raise DatasetError(f"{file.name} names {len(names)} of {n} classes")
    return names, [file]
