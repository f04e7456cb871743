"""Your own files: a folder, an archive, or a table, in any common layout."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pipeline.datasets import layouts
from pipeline.datasets.archives import archive_tree, is_archive
from pipeline.datasets.base import DatasetError
from pipeline.datasets.layouts.reading import Guess, ReadOptions
from pipeline.datasets.layouts.tables import TABLE_SUFFIXES
from pipeline.datasets.source import Source
from pipeline.datasets.sources import SourceRequest
from pipeline.datasets.tree import FileTree, folder_tree

SOURCES = {"folder": "A folder, zip, tar, or table of paths and labels, in any common layout."}
_LABEL_SUFFIXES = (*TABLE_SUFFIXES, ".txt", ".lst")


@dataclass(frozen=True)
class Opened:
    """A source, and how its files were understood.

    Attributes:
        guesses: layouts that fit, most likely first.
        columns: of its table; empty without one.
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
    """The same, with what was found out about the files.

    Raises:
        DatasetError: as for `open_source`.
    """
    tree = open_tree(request)
    guesses = layouts.detect(tree, request.reading)
    made = layouts.read(tree, request.reading, guesses)
    layout = request.reading.layout or guesses[0].layout
    options = made.chosen.model_copy(update={"layout": layout})
    digest = hashlib.sha256(f"{tree.identity} {options.model_dump_json()}".encode()).hexdigest()
    classes = {c for item in made.items for names in item.labels.values() for c in names}
    source = Source(
        name=request.name or _name_of(tree.name),
        title=tree.name,
        summary=f"{len(made.items):,} images, {len(classes):,} classes, "
        f"read as {layouts.list_layouts()[layout]}.",
        licence="as given by the owner of the files",
        attribution="",
        kinds=made.kinds,
        items=made.items,
        identity="folder:" + digest,
        problems=made.problems,
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
        return archive_tree(path)
    if path.suffix.lower() not in _LABEL_SUFFIXES:
        raise DatasetError(
            f"{path.name} is no folder, zip, tar or table; it begins like something else"
        )
    return folder_tree(request.images or path.parent, main=path, link_roots=request.link_roots)


def _name_of(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:41] or "folder"
