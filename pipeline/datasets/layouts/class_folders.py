"""A folder for each class, at any depth, optionally inside train and test folders."""

from __future__ import annotations

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, Record, reading
from pipeline.datasets.problems import Problem
from pipeline.datasets.tree import File, FileTree, split_word

TITLE = "class folders"
_UNLABELLED = "_unlabeled"  # the name that FiftyOne gives to the folder of images without a class
_MOST_SPLIT_DEPTH = 3


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Confidence and reason; None where no image lies in a folder, or labels were named."""
    level = split_level(tree.images)
    placed = [_place(file, level, options.class_level) for file in tree.images]
    classes = {name for _, name in placed if name}
    if not classes or tree.main:
        return None
    share = sum(bool(name) for _, name in placed) / len(placed)
    parts = sorted({split for split, _ in placed if split})
    why = f"{len(classes)} folders" + (f" in parts {', '.join(parts)}" if parts else "")
    return (0.9 if len(classes) > 1 else 0.7) * share, why


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """The folder at the class level is the class.

    Raises:
        DatasetError: the class level is 0.
    """
    if options.class_level == 0:
        raise DatasetError("the class level is 1, 2, ... from outside or -1, -2, ... from inside")
    level = split_level(tree.images)
    records, problems, outside = [], [], []
    for file in tree.images:
        split, name = _place(file, level, options.class_level)
        if name:
            labels = () if name == _UNLABELLED else (name,)
            records.append(Record(file, {"class": labels}, split))
        else:
            outside.append(file)
            problems.append(Problem(file.name, "not in a class folder"))
    return reading(tree, records, problems, label_files=outside)


def split_level(files: tuple[File, ...]) -> int | None:
    """Which folder level, from 0, has only names of split parts; None for none.

    All names of the level must be such words: beside `bus` and `car`, `train` is a class.
    """
    for level in range(_MOST_SPLIT_DEPTH):
        names = {file.parts[level] if len(file.parts) > level + 1 else "" for file in files}
        if all(split_word(name) for name in names):
            return level
    return None


def _place(file: File, level: int | None, class_level: int) -> tuple[str, str]:
    """Split word and class of a file; empty where it has none."""
    folders = list(file.parts[:-1])
    split = split_word(folders.pop(level)) if level is not None else ""
    at = class_level - 1 if class_level > 0 else class_level
    return split, folders[at] if -len(folders) <= at < len(folders) else ""
