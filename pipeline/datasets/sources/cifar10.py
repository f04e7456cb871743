"""CIFAR-10 through torchvision, which downloads it once (Krizhevsky 2009)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torchvision
from PIL import Image

from pipeline.datasets.base import DatasetError
from pipeline.datasets.importing import Item, Source
from pipeline.datasets.sources import SourceRequest

SUMMARY = "60,000 photographs of 32 x 32 pixels in 10 classes; downloads 163 MB once."
ARCHIVE = "cifar-10-python.tar.gz"
_SPLITS = (("train", True), ("query", False))  # the official training and test parts

# root, train, download -> an object with .data (n, 32, 32, 3) uint8, .targets and .classes
Factory = Callable[..., Any]


def open_source(request: SourceRequest, factory: Factory = torchvision.datasets.CIFAR10) -> Source:
    """The official images and labels; the test part is marked as queries.

    Raises:
        DatasetError: the archive is not there and cannot be downloaded.
    """
    name = request.name or "cifar10"
    parts = [(split, _open_part(factory, request.downloads, train)) for split, train in _SPLITS]
    items = [item for split, part in parts for item in _items(split, part)]
    return Source(
        name=name,
        title="CIFAR-10",
        summary=f"{len(items):,} photographs of 32 x 32 pixels in 10 classes.",
        licence="none named; research use, cite Krizhevsky 2009",
        attribution="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
        kinds={"class": "single"},
        items=items,
        identity=f"cifar10:official:{len(items)}",
        default_protocol="cifar10-59k" if name == "cifar10" else "given",
    )


def _open_part(factory: Factory, downloads: Path, train: bool) -> Any:
    downloads.mkdir(parents=True, exist_ok=True)
    try:
        return factory(str(downloads), train=train, download=True)
    except (OSError, RuntimeError) as error:  # no network, or a damaged archive
        raise DatasetError(
            f"CIFAR-10 cannot be downloaded ({error}). Go online once, put {ARCHIVE} into "
            f"{downloads.resolve()}, or use the built-in data set: "
            "python -m pipeline datasets import openmoji"
        ) from error


def _items(split: Any, part: Any) -> Iterator[Item]:
    for index, (pixels, target) in enumerate(zip(part.data, part.targets, strict=True)):
        yield Item(
            image_id=f"{'train' if split == 'train' else 'test'}/{index:05d}",
            read=_png_of(pixels),
            labels={"class": (part.classes[target],)},
            suffix=".png",
            text=part.classes[target],
            split=split,
        )


def _png_of(pixels: Any) -> Callable[[], bytes]:
    def encode() -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    return encode
