"""The names of classes that labels only count: in classes.txt and the like."""

from __future__ import annotations

from pipeline.datasets.text import decode_text
from pipeline.datasets.tree import File, FileTree

_STEMS = ("classes", "class_names", "labels", "concepts", "categories", "obj")
_SUFFIXES = (".txt", ".names")


def class_names(tree: FileTree) -> tuple[tuple[str, ...], list[File]]:
    """Names of the classes, one per line, and the file that has them; none where there is none."""
    for file in tree.files:
        if file.suffix in _SUFFIXES and file.stem.lower().rstrip("0123456789") in _STEMS:
            lines = decode_text(file.read(), file.name).content.splitlines()
            return tuple(line.strip() for line in lines if line.strip()), [file]
    return (), []
