"""Robustness probe: the query image changed a little, and what that does to its code."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.single_bits import changed
from pipeline.edits import EDITS, edit_names

Encode = Callable[[list[Image.Image]], HashCodes]
_MOST_PIXELS = 160  # of a preview's longest side


@dataclass(frozen=True)
class Probe:
    """Effect of one change of the image.

    Attributes:
        name: name of the change, with its size.
        preview: the changed image as a data address.
        flipped: bits that changed, from 1.
        overlap: number of the k nearest images that are still found.
        k: nearest images that were looked at.
    """

    name: str
    preview: str
    flipped: tuple[int, ...]
    overlap: int
    k: int


def probes(
    opened: OpenRun,
    image: Image.Image,
    code: HashCodes,
    query_row: int | None,
    encode: Encode,
    strength: int,
    k: int = 24,
) -> list[Probe]:
    """Change the image in every way and search with each.

    Args:
        opened: the run.
        image: the query, RGB.
        code: code of the image, unchanged.
        query_row: row of the query, which is no result.
        encode: images -> codes.
        strength: 0, 1 or 2 for light, medium, strong.
        k: nearest images to compare.
    """
    outcomes, images = [], [edit.apply(image, edit.sizes[strength]) for edit in EDITS]
    codes = encode(images).signs()
    for name, picture, now in zip(edit_names(strength), images, codes, strict=True):
        flipped = tuple(int(bit) + 1 for bit in (code.signs()[0] != now).nonzero()[0])
        overlap = changed(opened, code, query_row, flipped=flipped, k=k).overlap
        outcomes.append(Probe(name, _preview(picture), flipped, overlap, k))
    return outcomes


def _preview(image: Image.Image) -> str:
    small, content = image.copy(), io.BytesIO()
    small.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    small.save(content, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
