"""A folder with one sub-folder per class (the torchvision ImageFolder layout)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.datasets.base import DatasetError
from pipeline.datasets.importing import Item, Source
from pipeline.datasets.sources import SourceRequest
from pipeline.images import SUFFIXES

SUMMARY = "A folder with one sub-folder per class (give its path)."


def open_source(request: SourceRequest) -> Source:
    """All images below `request.path`; the first folder level is the class.

    Raises:
        DatasetError: no folder is given, it does not exist, or it has no class folders.
    """
    root = request.path
    if root is None or not root.is_dir():
        raise DatasetError(
            f"{root or 'no folder'} is not a folder; name one with class sub-folders"
        )
    classes = sorted(child for child in root.iterdir() if child.is_dir() and _is_visible(child))
    if not classes:
        raise DatasetError(f"{root} has no sub-folders; each sub-folder is one class")
    problems = [
        (_printable(path.name), "not in a class folder")
        for path in sorted(root.iterdir())
        if path.is_file() and _is_visible(path)
    ]
    items = [item for folder in classes for item in _items(root, folder, problems)]
    if not items:
        raise DatasetError(f"no image files ({', '.join(SUFFIXES)}) in the class folders of {root}")
    listing = "\n".join(_stamp(item.image_id, item.path) for item in items if item.path)
    return Source(
        name=request.name or _name_of(root),
        title=root.resolve().name,
        summary=f"{len(items):,} images in {len(classes)} class folders.",
        licence="as given by the owner of the folder",
        attribution="",
        kinds={"class": "single"},
        items=items,
        identity="folder:" + hashlib.sha256(listing.encode()).hexdigest(),
        problems=problems,
    )


def _items(root: Path, folder: Path, problems: list[tuple[str, str]]) -> Iterator[Item]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        inner = path.relative_to(root)
        name = inner.as_posix()
        if not all(_is_visible(part) for part in (inner, *inner.parents[:-1])):
            continue
        if name != _printable(name):
            problems.append((_printable(name), "the file name is not valid UTF-8"))
        elif path.is_symlink():
            problems.append((name, "a symbolic link, not followed"))
        elif path.suffix.lower() not in SUFFIXES:
            problems.append((name, f"not an image file name ({path.suffix or 'no suffix'})"))
        else:
            yield Item(
                image_id=name,
                read=path.read_bytes,
                labels={"class": (folder.name,)},
                suffix=path.suffix.lower(),
                text=path.stem,
                path=path,
            )


def _stamp(name: str, path: Path) -> str:
    """Name, size and time of a file: they change when the file does, and cost no reading."""
    status = path.stat()
    return f"{name} {status.st_size} {status.st_mtime_ns}"


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _is_visible(path: Path) -> bool:
    return not path.name.startswith(".") and path.name not in ("__MACOSX", "Thumbs.db")


def _name_of(root: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")[:41] or "folder"
