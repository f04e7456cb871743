"""Data set sources, found by file name.

Each module offers `SOURCES`, names with a sentence each, and `open_source(name, request)`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.wording import unknown
from pipeline.ingest.layouts.reading import ReadOptions
from pipeline.ingest.source import Source


@dataclass(frozen=True)
class SourceRequest:
    """Request of the user for a source.

    Attributes:
        name: name in the library; empty for the source's own.
        path: the folder, archive or table to import, for sources that need one.
        images: folder of the images, when a table lies elsewhere.
        reading: how to read it, where that is not to be found out.
        link_roots: folders below which symbolic links may point; empty: anywhere.
        downloads: folder where downloaded archives are kept.
        variants: take variants of an image (skin tones) too, where the source has them.
    """

    name: str = ""
    path: Path | None = None
    images: Path | None = None
    reading: ReadOptions = ReadOptions()
    link_roots: tuple[Path, ...] = ()
    downloads: Path = Path("data/downloads")
    variants: bool = False


@cache
def _module_of() -> dict[str, str]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {
        source: f"{__name__}.{name}"
        for name in names
        for source in importlib.import_module(f"{__name__}.{name}").SOURCES
    }


@cache
def list_sources() -> dict[str, str]:
    """Names of the sources with one sentence each."""
    return {
        name: importlib.import_module(module).SOURCES[name]
        for name, module in sorted(_module_of().items())
    }


def open_source(name: str, request: SourceRequest) -> Source:
    """Prepare the source called `name` for import.

    Raises:
        ValueError: no such source.
        DatasetError: the source is unavailable or cannot be read; the message says what to do.
    """
    if name not in list_sources():
        raise ValueError(unknown("data set source", name, tuple(list_sources())))
    source: Source = importlib.import_module(_module_of()[name]).open_source(name, request)
    return source
