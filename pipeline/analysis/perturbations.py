"""Robustness probe: the query image changed a little, and what that does to its code."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from models.codes import HashCodes
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.single_bits import changed

STRENGTHS = ("Light", "Medium", "Strong")
Encode = Callable[[list[Image.Image]], HashCodes]
_MOST_PIXELS = 160  # of a preview's longest side


@dataclass(frozen=True)
class Change:
    """A way to change an image.

    Attributes:
        name: with a place for the size.
        sizes: light, medium and strong.
        apply: (RGB image, size) -> RGB image.
    """

    name: str
    sizes: tuple[float, float, float]
    apply: Callable[[Image.Image, float], Image.Image]


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
    outcomes, images = [], altered(image, strength)
    codes = encode(images).signs()
    for name, picture, now in zip(change_names(strength), images, codes, strict=True):
        flipped = tuple(int(bit) + 1 for bit in (code.signs()[0] != now).nonzero()[0])
        overlap = changed(opened, code, query_row, flipped=flipped, k=k).overlap
        outcomes.append(Probe(name, _preview(picture), flipped, overlap, k))
    return outcomes


def change_names(strength: int) -> list[str]:
    """The changes in words, with their size at a strength."""
    return [change.name.format(change.sizes[strength]) for change in CHANGES]


def altered(image: Image.Image, strength: int) -> list[Image.Image]:
    """An RGB image changed in every way."""
    return [change.apply(image, change.sizes[strength]) for change in CHANGES]


def _rotated(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, Image.Resampling.BILINEAR, fillcolor="white")


def _cropped(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    left, top = round(width * (1 - share) / 2), round(height * (1 - share) / 2)
    return image.crop((left, top, width - left, height - top))


def _blurred(image: Image.Image, pixels: float) -> Image.Image:
    radius = pixels * max(image.size) / 224  # pixels at the size the networks see
    return image.filter(ImageFilter.GaussianBlur(radius))


def _compressed(image: Image.Image, quality: float) -> Image.Image:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=int(quality))
    return Image.open(content).convert("RGB")


def _brightened(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def _resized(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    return image.resize((max(1, round(width * share)), max(1, round(height * share))))


def _captioned(image: Image.Image, share: float) -> Image.Image:
    """With a band of text over the lower part, as shared pictures have."""
    width, height = image.size
    band, covered = max(8, round(height * share)), image.copy()
    pen = ImageDraw.Draw(covered)
    pen.rectangle((0, height - band, width, height), fill="black")
    font = ImageFont.load_default(size=max(6, round(0.6 * band)))
    pen.text((width / 2, height - band / 2), "Sample text", "white", font, anchor="mm")
    return covered


def _mirrored(image: Image.Image, _: float) -> Image.Image:
    return ImageOps.mirror(image)


CHANGES = (
    Change("Rotated by {}°", (5, 15, 30), _rotated),
    Change("Cropped to {:.0%}", (0.9, 0.8, 0.6), _cropped),
    Change("Blurred, {} px", (1, 2, 4), _blurred),
    Change("JPEG quality {}", (50, 20, 5), _compressed),
    Change("Brightness × {:g}", (1.2, 1.5, 2.0), _brightened),
    Change("Resized to {:.0%}", (0.5, 0.25, 0.125), _resized),
    Change("Text over {:.0%}", (0.1, 0.2, 0.4), _captioned),
    Change("Mirrored", (1, 1, 1), _mirrored),
)


def _preview(image: Image.Image) -> str:
    small, content = image.copy(), io.BytesIO()
    small.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    small.save(content, "WEBP", quality=80)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
