"""Edits: what pictures go through when they are copied, at three strengths each.

Turned by some degrees, cropped, blurred, compressed, brightened, resized, written over, mirrored.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

VERSION = "1"  # part of what is stored of edited images: raise it with every change of an edit
STRENGTHS = ("Light", "Medium", "Strong")


@dataclass(frozen=True)
class Edit:
    """A way to edit an image.

    Attributes:
        name: with a place for the size.
        sizes: light, medium and strong.
        apply: (RGB image, size) -> RGB image.
    """

    name: str
    sizes: tuple[float, float, float]
    apply: Callable[[Image.Image, float], Image.Image]


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


EDITS = (
    Edit("Rotated by {}°", (5, 15, 30), _rotated),
    Edit("Cropped to {:.0%}", (0.9, 0.8, 0.6), _cropped),
    Edit("Blurred, {} px", (1, 2, 4), _blurred),
    Edit("JPEG quality {}", (50, 20, 5), _compressed),
    Edit("Brightness × {:g}", (1.2, 1.5, 2.0), _brightened),
    Edit("Resized to {:.0%}", (0.5, 0.25, 0.125), _resized),
    Edit("Text over {:.0%}", (0.1, 0.2, 0.4), _captioned),
    Edit("Mirrored", (1, 1, 1), _mirrored),
)

ALL_SIZES = tuple((edit, size) for edit in EDITS for size in edit.sizes)  # each light to strong


def edited(image: Image.Image, number: int) -> Image.Image:
    """An RGB image after the edit of `ALL_SIZES` with this number."""
    edit, size = ALL_SIZES[number]
    return edit.apply(image, size)


def edit_names(strength: int) -> list[str]:
    """The edits in words, with their size at a strength: 0, 1 or 2."""
    return [edit.name.format(edit.sizes[strength]) for edit in EDITS]
