"""Import: many small image files become a data set."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from PIL import Image

from benchmarks.frame import Case, Figures, Subject, Work
from benchmarks.pictures import CLASSES, paths, write
from pipeline.ingest.importing import execute_import, plan_import
from pipeline.ingest.request import ImportRequest
from pipeline.progress import ignore_progress
from pipeline.settings import Settings

SIDE = 32


def prepare(size: int, folder: Path) -> None:
    """The files."""
    write(size, SIDE, folder / "files")


def _empty(folder: Path) -> Path:
    """A new folder beside the files, so on the same disk."""
    place = folder / "imported"
    shutil.rmtree(place, ignore_errors=True)
    return place


def whole(size: int, folder: Path) -> Work:
    """The import as `datasets import` does it."""
    settings = Settings(home=_empty(folder), threads=1)
    request = ImportRequest(source=str(folder / "files"), name="many")

    def work() -> Figures:
        assert execute_import(request, settings, _ignore).info.n == size
        return {"count": size}

    return work


def check(size: int, folder: Path) -> Work:
    """The check before it, which reads every image and writes nothing."""
    settings = Settings(home=_empty(folder), threads=1)
    request = ImportRequest(source=str(folder / "files"), name="many")

    def work() -> Figures:
        assert plan_import(request, settings, _ignore).info.n == size
        assert not settings.home.exists()
        return {"count": size}

    return work


def _ignore(done: int, total: int) -> None:
    ignore_progress("", done, total)


def plain_loop(size: int, folder: Path) -> Work:
    """Decode with Pillow, compute the SHA-256 and copy the file under it."""
    files, place = paths(folder / "files"), _empty(folder)

    def work() -> Figures:
        for path in files:
            with Image.open(path) as image:
                image.convert("RGB")
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            target = place / digest[:2] / f"{digest}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return {"count": len(files)}

    return work


def reading(size: int, folder: Path) -> Work:
    """List the files and read their bytes."""

    def work() -> Figures:
        n = 0
        for place, _, names in os.walk(folder / "files"):
            for name in names:
                n += bool((Path(place) / name).read_bytes())
        assert n == size
        return {"count": n}

    return work


SUBJECT = Subject(
    name="ingest",
    title="Import",
    protocol=(
        f"JPEGs of {SIDE} x {SIDE} pixels in {CLASSES} class folders, all different, one process. "
        "The files are in the system's cache. An import checks that each image can be read whole, "
        "finds exact copies, writes journal and manifest and syncs them to the disk; killed, it "
        "resumes (a test kills one)."
    ),
    peer="a loop over Pillow: decode, SHA-256, copy.",
    bound="listing the files and reading their bytes.",
    unit="images",
    prepare=prepare,
    cases=(
        Case("HashLens, import", "ours", whole, once=True),
        Case("HashLens, check", "ours", check),
        Case("Pillow loop", "peer", plain_loop, once=True),
        Case("reading the bytes", "bound", reading),
    ),
    clock="wall_s",  # files are waited for
)
