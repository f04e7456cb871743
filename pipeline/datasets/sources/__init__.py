"""Data set sources, one file each, found by file name; each offers `open_source(request)`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.registry import unknown
from pipeline.datasets.importing import Source


@dataclass(frozen=True)
class SourceRequest:
    """What the user asked to import.

    Attributes:
        name: name in the library; empty for the source's own.
        path: the folder to import, for sources that need one.
        downloads: where downloaded archives are kept.
        variants: also take variants of an image (skin tones), where the source has them.
    """

    name: str = ""
    path: Path | None = None
    downloads: Path = Path("data/downloads")
    variants: bool = False


@cache
def list_sources() -> dict[str, str]:
    """Names of the sources with one sentence each."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").SUMMARY for name in names}


def open_source(kind: str, request: SourceRequest) -> Source:
    """Prepare the source called `kind` for import.

    Raises:
        ValueError: no such source.
        DatasetError: the source cannot be had or read; the message says what to do.
    """
    if kind not in list_sources():
        raise ValueError(unknown("data set source", kind, tuple(list_sources())))
    source: Source = importlib.import_module(f"{__name__}.{kind}").open_source(request)
    return source
