"""Layouts: how a tree of files says which images there are and how they are labelled.

One file each, found by file name; each offers `TITLE`, `detect(tree, options)` and
`read(tree, options)`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from models.wording import unknown
from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import first_problem, reasons_in_words
from pipeline.images import SUFFIXES
from pipeline.ingest.archives import PACKED_SUFFIXES
from pipeline.ingest.layouts.reading import Guess, Reading, ReadOptions
from pipeline.ingest.tree import FileTree

_WITHOUT_FILES = "image_rows"  # has images though none is a file


@cache
def list_layouts() -> dict[str, str]:
    """Names of the layouts with their titles."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module.TITLE for name, module in modules.items() if hasattr(module, "TITLE")}


def detect(tree: FileTree, options: ReadOptions) -> list[Guess]:
    """The layouts that a tree may have, most likely first.

    Raises:
        DatasetError: it has no images, or none that any layout could read.
    """
    guesses = []
    for name in list_layouts() if tree.images else (_WITHOUT_FILES,):
        guess = importlib.import_module(f"{__name__}.{name}").detect(tree, options)
        if guess is not None:
            guesses.append(Guess(name, *guess))
    if not guesses:
        raise DatasetError(
            f"no image files ({', '.join(SUFFIXES)}) in {tree.name}{_why_without_images(tree)}"
        )
    return sorted(guesses, key=lambda guess: -guess.confidence)


def read(tree: FileTree, options: ReadOptions, guesses: list[Guess]) -> Reading:
    """Read a tree in the layout of the options, or the most likely one.

    Raises:
        DatasetError: no such layout, or the tree cannot be read so; the message says why.
    """
    if options.layout and options.layout not in list_layouts():
        raise DatasetError(unknown("layout", options.layout, tuple(list_layouts())))
    chosen = options.layout or guesses[0].layout
    reading: Reading = importlib.import_module(f"{__name__}.{chosen}").read(tree, options)
    if not reading.items:
        raise DatasetError(
            f"no image of {tree.name} could be read as {list_layouts()[chosen]}; "
            f"first problem: {first_problem(reading.problems)}"
        )
    return reading


def _why_without_images(tree: FileTree) -> str:
    """What may hold the images of a tree that has none, and what was skipped."""
    names = [*(file.name for file in tree.files), *(problem.file for problem in tree.problems)]
    packed = [name for name in names if name.lower().endswith(PACKED_SUFFIXES)]
    n_more = len(packed) - 1
    more = f" and {n_more:,} more archive{'s' * (n_more > 1)}" if n_more > 0 else ""
    held = f"; it holds the archive {packed[0]}{more}: unpack and import that" if packed else ""
    skipped = reasons_in_words(tree.problems)
    return held + (f"; skipped: {skipped}" if skipped else "")
