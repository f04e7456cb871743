"""YOLO: a text file per image with a class number and a box on every line, names in data.yaml."""

from __future__ import annotations

import re

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.layouts.yolo_names import YoloNames
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

TITLE = "YOLO boxes"
_IMAGES = ("images", "image")
_LABELS = "labels"
_LINE = re.compile(r"\d{1,9}(?:\.0*)?(?:\s+[-+]?\d*\.?\d+(?:e-?\d+)?){4,}", re.IGNORECASE)


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Recognise text files with boxes beside images, or in labels/ beside images/."""
    if tree.main:
        return None
    pairs = _pairs(tree)
    n = sum(bool(tree.parsed(label, _numbers)) for label in pairs.values())
    return (0.96, f"{n} of {len(tree.images)} images have boxes") if n else None


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """An image has the classes of its boxes; one without a text file has none.

    Raises:
        DatasetError: the names of classes cannot be read, are fewer than the classes, or are not
            the same in files of equal right.
    """
    pairs, records, problems = _pairs(tree), [], []
    numbers = {label: tree.parsed(label, _numbers) for label in pairs.values()}
    names = YoloNames(tree, {label: known for label, known in numbers.items() if known})
    for image in tree.images:
        label = pairs.get(image.name)
        class_numbers = numbers[label] if label else ()
        if class_numbers is None:
            problems.append(Problem(pairs[image.name].name, "has lines that are no boxes"))
        else:
            classes = names.of(label, class_numbers) if label else ()
            records.append(Record(image, {"objects": classes}))
    orphans = _orphans(tree, pairs)
    problems += [Problem(file.name, "holds boxes, its image is not there") for file in orphans]
    return reading(
        tree,
        records,
        problems,
        label_files=[*pairs.values(), *orphans, *names.files],
        kinds={"objects": "multi"},
        unnamed="its boxes cannot be read",
        warnings=names.warnings,
    )


def _pairs(tree: FileTree) -> dict[str, File]:
    """The text file of each image that has one, by the image's name."""
    texts = {_place(file): file for file in tree.files if file.suffix == ".txt"}
    label_of = {}
    for image in tree.images if texts else ():
        folders = [i for i, part in enumerate(image.parts[:-1]) if part.lower() in _IMAGES]
        places = [_place(image), *(_place(image, number) for number in reversed(folders))]
        label = next((texts[place] for place in places if place in texts), None)
        if label is not None:
            label_of[image.name] = label
    return label_of


def _place(file: File, images: int | None = None) -> tuple[str, ...]:
    """Folders and stem of a file, with labels/ in any case and number written in one way.

    Args:
        file: file with boxes, or an image.
        images: number of its folder that is images/ where labels/ stands for the boxes.
    """
    folders = [_LABELS if part.lower() in (_LABELS, "label") else part for part in file.parts[:-1]]
    if images is not None:
        folders[images] = _LABELS
    return (*folders, file.stem)


def _orphans(tree: FileTree, pairs: dict[str, File]) -> list[File]:
    """Text files with boxes that belong to no image."""
    taken = {file.name for file in pairs.values()}
    texts = (f for f in tree.files if f.suffix == ".txt" and f.name not in taken)
    return [file for file in texts if tree.parsed(file, _numbers)]


def _numbers(file: File) -> tuple[int, ...] | None:
    """The class of every box; None where a line is no box."""
    try:
        lines = decode_text(file.read(), file.name).content.splitlines()
    except (DatasetError, OSError):
        return None
    boxes = [line.strip() for line in lines if line.strip()]
    if not all(_LINE.fullmatch(box) for box in boxes):
        return None
    return tuple(int(box.split()[0].split(".")[0]) for box in boxes)
