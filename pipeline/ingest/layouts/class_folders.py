"""A folder for each class, at any depth, optionally inside train and test folders."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.layouts.split_folders import split_level, splits_by_folder
from pipeline.ingest.tree import File, FileTree

TITLE = "class folders"
_KINDS = re.compile(  # what folders hold, in sets that are labelled otherwise
    r"images?|imgs?|jpegimages|photos?|pictures?|masks?|labels?|annotations?|data|dataset|crops?"
    r"|segmentation\w*|ground_?truth|gt|depth|thumbnails|fold[ _-]?\d+"
)
_UNLABELLED = "_unlabeled"  # the name that FiftyOne gives to the folder of images without a class


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Confidence and reason; None where no image lies in a folder, or labels were named."""
    places = Places(tree, options.class_level)
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
    places = Places(tree, options.class_level)
    return len({places.of(file)[1] for file in tree.images} - {""}) > 1


def read(tree: FileTree, options: ReadOptions, *, label_files: Iterable[File] = ()) -> Reading:
    """Read images whose class is the folder at the class level.

    Args:
        tree: tree to read.
        options: options with the class level.
        label_files: label files that say something else and were read.

    Raises:
        DatasetError: the class level is 0.
    """
    if options.class_level == 0:
        raise DatasetError("the class level is 1, 2, ... from outside or -1, -2, ... from inside")
    places = Places(tree, options.class_level)
    records, problems, outside = [], [], list(label_files)
    for file in tree.images:
        split, name = places.of(file)
        if name:
            labels = () if name == _UNLABELLED else (name,)
            records.append(Record(file, {"class": labels}, split))
        else:
            outside.append(file)
            problems.append(Problem(file.name, places.why_without(file)))
    return reading(
        tree,
        records,
        problems,
        label_files=outside,
        notes=places.notes,
        doubt=_doubt({name for record in records for name in record.labels["class"]}),
    )


def _doubt(classes: set[str]) -> str:
    """Why folders are probably no classes; empty when they may be."""
    kinds = sorted(name for name in classes if _KINDS.fullmatch(name.lower()))
    if not kinds or len(classes) == 1:
        return ""
    return f"the folders {', '.join(kinds)} look like kinds of files, not like classes"


class Places:
    """Places of the files of a tree: part of the split, and class folder."""

    def __init__(self, tree: FileTree, class_level: int) -> None:
        self._at = class_level - 1 if class_level > 0 else class_level
        self._level = split_level(tree.images)
        self._part_of = {} if self._level is None else splits_by_folder(tree.images, self._level)
        self._repeated = self._repeated_parts(tree)
        self._around = self._folders_around(tree) if class_level > 0 else ()

    @property
    def notes(self) -> list[str]:
        """Notes on the folders around all classes."""
        return [f"folder {name!r} is around all class folders" for name in self._around]

    def of(self, file: File) -> tuple[str, str]:
        """Split word and class of a file; empty where it has none."""
        split, folders = self._without_part(file)
        folders = folders[len(self._around) :]
        return split, folders[self._at] if -len(folders) <= self._at < len(folders) else ""

    def _folders_around(self, tree: FileTree) -> tuple[str, ...]:
        """Outer folders that hold all images, in further folders; they tell no images apart."""
        inner = [self._without_part(file)[1] for file in tree.images]
        around: list[str] = []
        while inner and all(len(folders) > 1 for folders in inner):
            if len({folders[0] for folders in inner}) > 1:
                break
            around.append(inner[0][0])
            inner = [folders[1:] for folders in inner]
        return tuple(around)

    def _repeated_parts(self, tree: FileTree) -> frozenset[str]:
        """Parts all of whose images lie below the same name once more, as seg_test/seg_test/."""
        level = self._level
        if level is None:
            return frozenset()
        below: dict[str, set[str]] = {}
        for file in tree.images:
            if len(file.parts) > level + 1:
                inner = file.parts[level + 1] if len(file.parts) > level + 2 else ""
                below.setdefault(file.parts[level], set()).add(inner)
        return frozenset(part for part, inner in below.items() if inner == {part})

    def _without_part(self, file: File) -> tuple[str, list[str]]:
        """The part of the split that a file's folders name, and its other folders."""
        folders = list(file.parts[:-1])
        split = ""
        if self._level is not None and len(folders) > self._level:
            part = folders.pop(self._level)
            split = self._part_of[part]
            if part in self._repeated:
                folders.pop(self._level)
        return split, folders

    def why_without(self, file: File) -> str:
        """The reason why a file has no class."""
        level = self._level
        if level is None or len(file.parts) <= level + 1 or self._part_of[file.parts[level]]:
            return "not in a class folder"
        parts = " and ".join(sorted(name for name, split in self._part_of.items() if split))
        return f"not in a class folder of {parts}"
