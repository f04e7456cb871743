"""The one way an image enters HashLens, for import, training and queries alike."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 64_000_000
_PLAUSIBLE = 4_000_000  # pixels that any file may have
_MAX_PIXELS_A_BYTE = 5_000  # more than the formats reach, but for one plain colour
_SUFFIX_OF = dict(zip(FORMATS, (".jpg", ".png", ".webp", ".bmp", ".gif", ".tif"), strict=True))
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_ORIENTATION = 0x0112  # EXIF tag; 1 is upright


class ImageError(ValueError):
    """A file that cannot be taken as an image; the message says why."""


@dataclass(frozen=True)
class Decoded:
    """An image and what its file was.

    Attributes:
        rgb: upright, 8 bits a channel, transparency on white.
        suffix: of the format that the content has, whatever the file is called.
        notes: what was converted with a loss that people may want to know of.
    """

    rgb: Image.Image
    suffix: str
    notes: tuple[str, ...]


def load_rgb(source: Path | bytes) -> Image.Image:
    """Decode an image to RGB: upright, transparency on white, wide ranges scaled, first frame.

    Args:
        source: a file, or the bytes of one. The content decides the format, not the name.

    Raises:
        ImageError: not one of `FORMATS`, more than `MAX_PIXELS` pixels, truncated or damaged.
    """
    return decode(source).rgb


def decode(source: Path | bytes) -> Decoded:
    """The same as `load_rgb`, with the format and what was converted.

    Raises:
        ImageError: as for `load_rgb`.
    """
    name = source.name if isinstance(source, Path) else "the image"
    try:
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata; pixels are checked by decoding
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                n_pixels = image.width * image.height
                if n_pixels > MAX_PIXELS:
                    raise ImageError(
                        f"{name} has {image.width} x {image.height} pixels, "
                        f"more than {MAX_PIXELS / 1e6:.0f} million"
                    )
                if n_pixels > max(_PLAUSIBLE, _MAX_PIXELS_A_BYTE * len(content)):
                    raise ImageError(f"{name} claims {n_pixels:,} pixels in {len(content)} bytes")
                image.load()
                suffix, notes = _SUFFIX_OF.get(str(image.format), ".jpg"), _notes(image)
                rgb, is_clear = _to_rgb(ImageOps.exif_transpose(image))
                seen = ["transparency on white"] if is_clear else []
                return Decoded(rgb, suffix, (*notes, *seen))
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{name} is not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has too many pixels") from error
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error ...
        raise ImageError(f"{name} is truncated or damaged ({error})") from error


def looks_like_image(head: bytes) -> bool:
    """Whether the first bytes of a file (12 are enough) are those of one of `FORMATS`."""
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8", b"II*\0", b"MM\0*")
    return head.startswith(starts) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def difference_hash(image: Image.Image) -> int:
    """64 bits that change little when a picture is resized, recompressed or touched up.

    Bit k says whether the k-th pixel of a 9 x 8 grey thumbnail is darker than its right neighbour.
    """
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, :-1] < grey[:, 1:]).tobytes(), "big")


def pixel_digest(image: Image.Image) -> str:
    """SHA-256 of size and pixels: equal for the same picture in two lossless files."""
    return hashlib.sha256(b"%d %d " % image.size + image.tobytes()).hexdigest()


def _notes(image: Image.Image) -> list[str]:
    """What the conversion to RGB changes for the eye."""
    notes = []
    n_frames = getattr(image, "n_frames", 1)
    if n_frames > 1:
        notes.append(f"first of {n_frames} frames")
    if image.getexif().get(_ORIENTATION, 1) != 1:
        notes.append("turned upright")
    if image.mode in _WIDE_MODES:
        notes.append("scaled to 8 bits")
    if image.mode == "CMYK":
        notes.append("CMYK to RGB")
    return notes


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image as RGB, and whether any of it was transparent."""
    if image.mode in _WIDE_MODES:
        image = _to_eight_bits(image)
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        return _through_profile(image), False
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
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, profile, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None
    return converted or image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey to 8 bits: by full range where it is known, else min to max.

    Pillow's own conversion clips at 255, which turns most of such an image white.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    if image.mode.startswith("I;16") or (image.mode == "I" and 255 < values.max() <= 65535):
        low, high = 0.0, 65535.0
    else:
        low, high = float(values.min()), float(values.max())
    values -= low  # in place from here on: such images are often large
    values *= 255 / max(high - low, 1e-12)
    return Image.fromarray(values.clip(0, 255, out=values).round(out=values).astype(np.uint8))
