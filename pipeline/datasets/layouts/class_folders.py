"""A folder for each class, at any depth, optionally inside train and test folders."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Reading, ReadOptions, reading
from pipeline.datasets.layouts.records import Record
from pipeline.datasets.layouts.split_folders import split_level, splits_by_folder
from pipeline.datasets.problems import Problem
from pipeline.datasets.tree import File, FileTree

TITLE = "class folders"
_UNLABELLED = "_unlabeled"  # the name that FiftyOne gives to the folder of images without a class


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Confidence and reason; None where no image lies in a folder, or labels were named."""
    places = _Places(tree, options.class_level)
    placed = [places.of(file) for file in tree.images]
    classes = {name for _, name in placed if name}
    if not classes or tree.main:
        return None
    share = sum(bool(name) for _, name in placed) / len(placed)
    parts = sorted({split for split, _ in placed if split})
    why = f"folders: {len(classes)}" + (f" in parts {', '.join(parts)}" if parts else "")
    return (0.9 if len(classes) > 1 else 0.7) * share, why


def has_classes(tree: FileTree, options: ReadOptions) -> bool:
    """Whether the folders tell images apart."""
    places = _Places(tree, options.class_level)
    return len({places.of(file)[1] for file in tree.images} - {""}) > 1


def read(tree: FileTree, options: ReadOptions, *, label_files: Iterable[File] = ()) -> Reading:
    """The folder at the class level is the class.

    Args:
        tree: to read.
        options: with the class level.
        label_files: that say something else and were read.

    Raises:
        DatasetError: the class level is 0.
    """
    if options.class_level == 0:
        raise DatasetError("the class level is 1, 2, ... from outside or -1, -2, ... from inside")
    places = _Places(tree, options.class_level)
    records, problems, outside = [], [], list(label_files)
    for file in tree.images:
        split, name = places.of(file)
        if name:
            labels = () if name == _UNLABELLED else (name,)
            records.append(Record(file, {"class": labels}, split))
        else:
            outside.append(file)
            problems.append(Problem(file.name, places.why_without(file)))
    return reading(tree, records, problems, label_files=outside)


class _Places:
    """Where the files of a tree lie: in which part of the split and which class folder."""

    def __init__(self, tree: FileTree, class_level: int) -> None:
        self._at = class_level - 1 if class_level > 0 else class_level
        self._level = split_level(tree.images)
        self._part_of = {} if self._level is None else splits_by_folder(tree.images, self._level)

    def of(self, file: File) -> tuple[str, str]:
        """Split word and class of a file; empty where it has none."""
        folders = list(file.parts[:-1])
        split = ""
        if self._level is not None and len(folders) > self._level:
            part = folders.pop(self._level)
            split = self._part_of[part]
            if folders[self._level : self._level + 1] == [part]:  # archives repeat it: seg_test
                folders.pop(self._level)
        return split, folders[self._at] if -len(folders) <= self._at < len(folders) else ""

    def why_without(self, file: File) -> str:
        """The reason why a file has no class."""
        level = self._level
        if level is None or len(file.parts) <= level + 1 or self._part_of[file.parts[level]]:
            return "not in a class folder"
        parts = " and ".join(sorted(name for name, split in self._part_of.items() if split))
        return f"not in a class folder of {parts}"
