"""Zip and tar archives for tests, and why their members were refused."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from pipeline.ingest.tree import FileTree
from tests.factories import png

GOOD = {"cat/1.png": png((1, 0, 0)), "dog/2.png": png((2, 0, 0))}


def zip_of(
    path: Path, members: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = id
) -> Path:
    """A zip with these members, each described as `change` makes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, content)
    return path


def tar_of(path: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name not in GOOD:
                info.type, info.linkname = kind, "/etc/passwd"
                info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    return path


def reasons(tree: FileTree) -> dict[str, str]:
    return {problem.file: problem.reason for problem in tree.problems}
