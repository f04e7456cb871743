"""Images without labels."""

from __future__ import annotations

from pipeline.ingest.layouts.reading import Reading, ReadOptions, reading
from pipeline.ingest.layouts.records import Record
from pipeline.ingest.tree import FileTree

TITLE = "images without labels"


def detect(tree: FileTree, options: ReadOptions) -> tuple[float, str] | None:
    """Accept every tree; the layout is likely where no image lies in a folder."""
    n_flat = sum(len(file.parts) == 1 for file in tree.images)
    share = n_flat / len(tree.images)
    return 0.1 + 0.4 * share, f"{n_flat} of {len(tree.images)} images lie in no folder"


def read(tree: FileTree, options: ReadOptions) -> Reading:
    """Read all images, with the split that their folders name, if they do."""
    return reading(tree, [Record(file, {}) for file in tree.images])
