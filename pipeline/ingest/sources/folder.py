"""Your own files: a folder, an archive, or a table, in any common layout."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from pipeline.datasets.dataset import DatasetError
from pipeline.datasets.problems import Problem
from pipeline.ingest import layouts
from pipeline.ingest.archives import archive_tree, is_archive
from pipeline.ingest.folder_tree import folder_tree
from pipeline.ingest.layouts.reading import Guess, ReadOptions
from pipeline.ingest.layouts.table_files import TABLE_SUFFIXES
from pipeline.ingest.layouts.unused import Unused, unused_labels
from pipeline.ingest.source import Source
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.split_words import split_word
from pipeline.ingest.tree import FileTree

SOURCES = {"folder": "A folder, zip, tar, or table of paths and labels, in any common layout."}
_LABEL_SUFFIXES = (*TABLE_SUFFIXES, ".xml", ".txt", ".lst")


@dataclass(frozen=True)
class Opened:
    """A source, and how its files were understood.

    Attributes:
        guesses: layouts that fit, most likely first.
        columns: columns of its table; empty without one.
        reading: the options, with what was found out filled in.
    """

    source: Source
    guesses: tuple[Guess, ...] = ()
    columns: tuple[str, ...] = ()
    reading: ReadOptions = ReadOptions()


def open_source(kind: str, request: SourceRequest) -> Source:
    """All images that the layout of `request.path` names.

    Raises:
        DatasetError: nothing is given or there, it is damaged, has no images, or cannot be read.
    """
    return open_files(request).source


def open_files(request: SourceRequest) -> Opened:
    """Open the files of a source, with what was found out about them.

    Raises:
        DatasetError: `open_source` refuses the files.
    """
    tree = open_tree(request)
    guesses = layouts.detect(tree, request.reading)
    made = layouts.read(tree, request.reading, guesses)
    layout = request.reading.layout or guesses[0].layout
    options = made.chosen.model_copy(update={"layout": layout})
    classes = {c for item in made.items for names in item.labels.values() for c in names}
    unused = unused_labels(tree, request.reading, made.used)
    source = Source(
        name=request.name or _name_of(tree.name),
        title=tree.name,
        summary=f"{len(made.items):,} images, {len(classes):,} classes, "
        f"read as {layouts.list_layouts()[layout]}.",
        licence="as given by the owner of the files",
        attribution="",
        kinds=made.kinds,
        items=made.items,
        identity="folder:" + _digest(tree, options),
        problems=_without_reasons_twice(made.problems, unused),
        notes=made.notes,
        warnings=[
            *(f"{name} is not used: {leftover.reason}" for name, leftover in unused.items()),
            *made.warnings,
        ],
        doubt="" if request.reading.layout else made.doubt or _doubt(layout, len(classes), unused),
    )
    return Opened(source, tuple(guesses), made.columns, options)


def open_tree(request: SourceRequest) -> FileTree:
    """The files of `request.path`.

    Raises:
        DatasetError: it is not there, damaged, or of no known kind.
    """
    path = request.path
    if path is None or not path.exists():
        raise DatasetError(
            f"{path or 'nothing'} is not a folder; name one with images, an archive of one, or a "
            f"table ({', '.join(TABLE_SUFFIXES)})"
        )
    if path.is_dir():
        return folder_tree(path, link_roots=request.link_roots)
    if is_archive(path):
        return archive_tree(path, encoding=request.reading.encoding)
    if path.suffix.lower() not in _LABEL_SUFFIXES:
        raise DatasetError(
            f"{path.name} is no folder, zip, tar or table; it begins like something else"
        )
    return folder_tree(request.images or path.parent, main=path, link_roots=request.link_roots)


def _digest(tree: FileTree, options: ReadOptions) -> str:
    """What an import is made from; settings that came later count only where they are set."""
    later = {name for name in ("header", "encoding") if not getattr(options, name)}
    text = f"{tree.identity} {options.model_dump_json(exclude=later)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _without_reasons_twice(
    problems: Sequence[Problem], unused: dict[str, Unused]
) -> tuple[Problem, ...]:
    """The problems, with the reason of an unused label file instead of what its suffix says."""
    return tuple(
        problem._replace(reason=f"not used: {unused[problem.file].reason}")
        if problem.file in unused and problem.reason.startswith("not an image")
        else problem
        for problem in problems
    )


def _doubt(layout: str, n_classes: int, unused: dict[str, Unused]) -> str:
    """Why a reading that passes over label files needs a word from the user."""
    has_classes = n_classes > 1  # then what models and lists leave behind raises no doubt
    likely = {
        name: leftover.reason
        for name, leftover in unused.items()
        if leftover.is_likely or not has_classes
    }
    parts = {name: why for name, why in likely.items() if split_word(PurePath(name).stem)}
    if not likely or (layout not in ("class_folders", "flat") and has_classes and not parts):
        return ""
    name, why = next(iter((parts or likely).items()))
    more = f" and {len(likely) - 1} more label files" if len(likely) > 1 else ""
    labels = {"class_folders": "folders", "flat": "nothing"}.get(layout, "the other files")
    return f"{name}{more} would not be used ({name}: {why}); labels would come from {labels}"


def _name_of(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:41] or "folder"
