"""The lists in ImageSets of Pascal VOC: which images train, and which are kept for tests."""

from __future__ import annotations

from pipeline.datasets.dataset import DatasetError
from pipeline.ingest.split_words import split_word
from pipeline.ingest.text import decode_text
from pipeline.ingest.tree import File, FileTree

_FOLDER = "ImageSets"


def set_lists(tree: FileTree) -> list[File]:
    """All lists, also those of single classes and of other tasks, which say nothing more."""
    return [file for file in tree.files if _FOLDER in file.parts and file.suffix == ".txt"]


class ImageSets:
    """Split words of annotations, from the lists of their year."""

    def __init__(self, tree: FileTree) -> None:
        self._parts: dict[str, dict[str, str]] = {}
        lists = [file for file in set_lists(tree) if split_word(file.stem)]
        for root in {_root(file) for file in lists}:
            self._parts[root] = _parts([file for file in lists if _root(file) == root])

    def part_of(self, annotation: File) -> str:
        """A word as `split_word` gives it; empty where no list has the annotation."""
        for depth in range(len(annotation.parts) - 1, -1, -1):
            parts = self._parts.get("/".join(annotation.parts[:depth]))
            if parts is not None:
                inner = "/".join((*annotation.parts[depth + 1 : -1], annotation.stem))
                return parts.get(inner) or parts.get(annotation.stem, "")
        return ""


def _root(file: File) -> str:
    """The folder that holds ImageSets, Annotations and JPEGImages."""
    return "/".join(file.parts[: file.parts.index(_FOLDER)])


def _parts(lists: list[File]) -> dict[str, str]:
    """The part of each stem: by the lists of Main where there are any, `trainval` last.

    A list of one class, as `cat_trainval.txt`, counts only where no list is of all.
    """
    main = [file for file in lists if "Main" in file.parts] or lists
    whole = [file for file in main if "_" not in file.stem] or main
    part_of: dict[str, str] = {}
    for file in sorted(whole, key=lambda file: file.stem.endswith("trainval")):  # the vaguest
        for stem in _stems(file):
            part_of.setdefault(stem, split_word(file.stem))
    return part_of


def _stems(file: File) -> list[str]:
    """The stem on each line, without the 1 or -1 of a list of one class."""
    try:
        lines = decode_text(file.read(), file.name).content.splitlines()
    except (DatasetError, OSError):  # the images are then in no part, which is said
        return []
    return [line.split(maxsplit=1)[0] for line in lines if line.strip()]
