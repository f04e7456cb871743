"""Images without labels."""

from __future__ import annotations

from pipeline.datasets.layouts.class_folders import split_level
from pipeline.datasets.layouts.reading import Reading, ReadOptions, Record, reading
from pipeline.datasets.tree import FileTree, split_word

TITLE = "images without labels"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Every tree can be read so; it is likely where no image lies in a folder."""
    n_flat = sum(len(file.parts) == 1 for file in tree.images)
    share = n_flat / len(tree.images)
    return 0.1 + 0.4 * share, f"{n_flat} of {len(tree.images)} images lie in no folder"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """All images, with the split that their folders name, if they do."""
    level = split_level(tree.images)
    words = ["" if level is None else split_word(file.parts[level]) for file in tree.images]
    return reading(
        tree, [Record(file, {}, word) for file, word in zip(tree.images, words, strict=True)]
    )
