"""The one way an image enters HashLens, for import, training and queries alike."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError, features
from PIL.TiffImagePlugin import TiffImageFile

from pipeline.decoding.content import (
    AVIF_HINT,
    HEIC_HINT,
    PREVIEW_HINT,
    about_tiff,
    is_avif,
    is_heic,
    known_refusal,
)
from pipeline.decoding.content import looks_like_image as looks_like_image
from pipeline.decoding.png_chunks import SIGNATURE, without_metadata
from pipeline.decoding.value_range import Scaling, ValueRange, scaled
from pipeline.decoding.wide import (
    Wide,
    has_wide_colours,
    is_preview,
    stores_wide_channels_apart,
    wide_colours,
    wide_grey,
)

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")  # and HEIC, by another package
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif"),
)
MAX_PIXELS = 64_000_000
_MOST_RATIO = 200  # of the sides: networks enlarge the short one to hundreds of pixels
_PLAUSIBLE = 4_000_000  # pixels that any file may have
_MAX_PIXELS_A_BYTE = 5_000  # more than the formats reach, but for one plain colour
_SUFFIX_OF = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ValueError):
    """A file that cannot be taken as an image; the message says why."""


@dataclass(frozen=True)
class Decoded:
    """An image and what its file was.

    Attributes:
        rgb: upright, 8 bits per channel, transparency on white.
        suffix: suffix of the format that the content has, whatever the file is called.
        notes: conversions with a loss that people may want to know of.
        scaling: how more than 8 bits per channel became 8; None when there were no more.
    """

    rgb: Image.Image
    suffix: str
    notes: tuple[str, ...]
    scaling: Scaling | None = None


def load_rgb(source: Path | bytes, ranges: Sequence[ValueRange] = ()) -> Image.Image:
    """Decode an image to RGB: upright, transparency on white, wide ranges scaled, first frame.

    Args:
        source: a file, or the bytes of one. The content decides the format, not the name.
        ranges: ranges of values that become black and white, as the data set has them; an image of
            another kind of numbers is scaled by its own values.

    Raises:
        ImageError: not one of `FORMATS`, more than `MAX_PIXELS` pixels, a mere line, truncated or
            damaged.
    """
    return decode(source, ranges).rgb


def decode(source: Path | bytes, ranges: Sequence[ValueRange] = ()) -> Decoded:
    """Decode an image as `load_rgb` does, with the format and what was converted.

    Raises:
        ImageError: the content is refused by `load_rgb`.
    """
    name = source.name if isinstance(source, Path) else "the image"
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged metadata; pixels are checked by decoding
        try:
            return _decoded(content, ranges)
        except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error
            raise ImageError(f"{name} {_reason(error, content)}") from error


def difference_hash(image: Image.Image) -> int:
    """Hash of 64 bits that change little when a picture is resized, recompressed or touched up.

    Bit k says whether the k-th pixel of a 9 x 8 grey thumbnail is darker than its right neighbour.
    """
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")


def _decoded(content: bytes, ranges: Sequence[ValueRange]) -> Decoded:
    if content.startswith(SIGNATURE):
        content = without_metadata(content)
    with _opened(content) as image:
        _check_size(image, len(content))
        if is_preview(image) or stores_wide_channels_apart(image):
            raise ImageError(PREVIEW_HINT if is_preview(image) else about_tiff(content))
        is_deep, is_tiff = has_wide_colours(image), isinstance(image, TiffImageFile)
        notes = _frames_note(image)
        if not is_tiff:  # the orientation of a PNG may lie behind its pixels
            image.load()
        turn = _turn(image)
        image.load()
        wide = wide_colours(image, partial(_again, content)) if is_deep else wide_grey(image)
        picture, scaling = _to_eight_bits(wide, ranges) if wide else (image, None)
        rgb, is_clear = _to_rgb(picture)
        if turn in _TURNS and not is_tiff:  # Pillow turns a TIFF when it decodes it
            rgb = rgb.transpose(_TURNS[turn])
        notes += ["turned upright"] * (turn in _TURNS)
        notes += ["CMYK to RGB"] * (image.mode == "CMYK") + ["transparency on white"] * is_clear
        kind = str(image.format)
        return Decoded(rgb, _SUFFIX_OF.get(kind, f".{kind.lower()}"), tuple(notes), scaling)


def _reason(error: Exception, content: bytes) -> str:
    """Why an image was refused, one sentence per cause."""
    if isinstance(error, ImageError):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        return "has too many pixels"
    if isinstance(error, UnidentifiedImageError):
        known = known_refusal(content)
        if known or not looks_like_image(content):
            return known or f"is not a {', '.join(FORMATS)} or HEIC image"
        return "is damaged: it begins like an image, but its header cannot be read"
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return "is truncated: the file ends before the picture does"
    return f"is damaged ({str(error).partition('(')[0].strip()})"


def _opened(content: bytes) -> Image.Image:
    """An image that is not decoded yet."""
    if is_heic(content):
        return _opened_heic(content)
    if is_avif(content) and not features.check("avif"):
        raise ImageError(AVIF_HINT)
    return Image.open(io.BytesIO(content), formats=FORMATS)


def _again(content: bytes) -> Image.Image:
    """An image to be decoded in another way; a TIFF is turned when it is decoded."""
    image = _opened(content)
    if isinstance(image, TiffImageFile):
        _turn(image)
    return image


def _opened_heic(content: bytes) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile  # optional, see requirements-optional.txt
    except ImportError as error:
        raise ImageError(HEIC_HINT) from error
    image: Image.Image = HeifImageFile(io.BytesIO(content))  # type: ignore[no-untyped-call]  # theirs
    return image


def _turn(image: Image.Image) -> int:
    """The EXIF orientation from 2 to 8; 1 for anything else.

    Other EXIF tags are dropped: when Pillow turns a TIFF it writes them again, and trips over one
    of the wrong type.
    """
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # whatever is wrong with metadata, the pixels may be good
        orientation = None
    turn = int(orientation) if orientation in _TURNS else 1
    exif = image.getexif()  # as far as it could be read
    for tag in [tag for tag in exif if tag != _ORIENTATION or turn == 1]:
        del exif[tag]
    return turn


def _check_size(image: Image.Image, n_bytes: int) -> None:
    """Refuse what would not fit into memory, before it is decoded."""
    n_pixels = image.width * image.height
    if n_pixels > MAX_PIXELS:
        raise ImageError(
            f"has {image.width} x {image.height} pixels, more than {MAX_PIXELS / 1e6:.0f} million"
        )
    if max(image.size) > _MOST_RATIO * min(image.size):
        raise ImageError(
            f"has {image.width} x {image.height} pixels; one side may have {_MOST_RATIO} times the "
            "other at most"
        )
    if n_pixels > max(_PLAUSIBLE, _MAX_PIXELS_A_BYTE * n_bytes):
        raise ImageError(f"claims {n_pixels:,} pixels in {n_bytes} bytes")


def _frames_note(image: Image.Image) -> list[str]:
    try:
        n_frames = getattr(image, "n_frames", 1)
    except Exception:  # a later frame is damaged; the first may be good
        return ["first of several frames"]
    return [f"first of {n_frames} frames"] if n_frames > 1 else []


def _to_eight_bits(wide: Wide, ranges: Sequence[ValueRange]) -> tuple[Image.Image, Scaling]:
    """An image of 8 bits per channel, and how it was scaled.

    Pillow's own conversion clips at 255, which turns most of such an image white.
    """
    levels, scaling = scaled(wide.values, ranges)
    image = Image.fromarray(255 - levels if wide.is_negative else levels)
    if wide.alpha is not None:
        image.putalpha(Image.fromarray(wide.alpha))
    return image, scaling


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image as RGB, and whether any of it was transparent."""
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        return _through_profile(image), False
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return _converted(image, *profiles), False
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if np.asarray(layer.getchannel("A")).min() < 255:
            paper = Image.new("RGBA", layer.size, "white")
            return Image.alpha_composite(paper, layer).convert("RGB"), True
        image = layer
    return image.convert("RGB"), False


def _through_profile(image: Image.Image) -> Image.Image:
    """Ink to light by the file's own colour profile; by Pillow's rule when it is damaged."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        return _converted(image, profile, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image.convert("RGB")


def _converted(
    image: Image.Image,
    source: ImageCms._CmsProfileCompatible,
    target: ImageCms._CmsProfileCompatible,
) -> Image.Image:
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    return converted or image.convert("RGB")
