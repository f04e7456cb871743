"""Robustness probe: the query image changed a little, and what that does to its code."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageEnhance, ImageFilter

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.single_bits import changed

STRENGTHS = ("Light", "Medium", "Strong")
_SIZES = {  # of each change, by strength
    "Rotated by {}°": (5, 15, 30),
    "Cropped to {:.0%}": (0.9, 0.8, 0.6),
    "Blurred, {} px": (1, 2, 4),
    "JPEG quality {}": (50, 20, 5),
    "Brightness × {:g}": (1.2, 1.5, 2.0),
}
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
    """Change the image in five ways and search with each.

    Args:
        opened: the run.
        image: the query, RGB.
        code: code of the image, unchanged.
        query_row: row of the query, which is no result.
        encode: images -> codes.
        strength: 0, 1 or 2 for light, medium, strong.
        k: nearest images to compare.
    """
    outcomes, images = [], altered(image, strength)
    codes = encode(images).signs()
    for name, picture, now in zip(change_names(strength), images, codes, strict=True):
        flipped = tuple(int(bit) + 1 for bit in (code.signs()[0] != now).nonzero()[0])
        overlap = changed(opened, code, query_row, flipped=flipped, k=k).overlap
        outcomes.append(Probe(name, _preview(picture), flipped, overlap, k))
    return outcomes


def change_names(strength: int) -> list[str]:
    """The five changes in words, with their size at a strength."""
    return [name.format(sizes[strength]) for name, sizes in _SIZES.items()]


def altered(image: Image.Image, strength: int) -> list[Image.Image]:
    """An RGB image changed in the five ways."""
    degrees, share, blur, quality, light = (sizes[strength] for sizes in _SIZES.values())
    width, height = image.size
    left, top = round(width * (1 - share) / 2), round(height * (1 - share) / 2)
    turned = image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor="white")
    compressed = io.BytesIO()
    image.save(compressed, "JPEG", quality=int(quality))
    radius = blur * max(width, height) / 224  # pixels at the size the networks see
    return [
        turned,
        image.crop((left, top, width - left, height - top)),
        image.filter(ImageFilter.GaussianBlur(radius)),
        Image.open(compressed).convert("RGB"),
        ImageEnhance.Brightness(image).enhance(light),
    ]


def _preview(image: Image.Image) -> str:
    small, content = image.copy(), io.BytesIO()
    small.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    small.save(content, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
