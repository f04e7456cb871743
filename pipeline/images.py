"""load_rgb: the one way an image enters HashLens, for import, training and queries alike."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 64_000_000
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


class ImageError(ValueError):
    """A file that cannot be taken as an image; the message says why."""


def load_rgb(source: Path | bytes) -> Image.Image:
    """Decode an image to RGB: upright, transparency on white, wide ranges scaled, first frame.

    Args:
        source: a file, or the bytes of one. The content decides the format, not the name.

    Raises:
        ImageError: not one of `FORMATS`, more than `MAX_PIXELS` pixels, truncated or damaged.
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
                if image.width * image.height > MAX_PIXELS:
                    raise ImageError(
                        f"{name} has {image.width} x {image.height} pixels, "
                        f"more than {MAX_PIXELS / 1e6:.0f} million"
                    )
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image))
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


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _WIDE_MODES:
        image = _to_eight_bits(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey to 8 bits: by full range where it is known, else min to max.

    Pillow's own conversion clips at 255, which turns most of such an image white.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode.startswith("I;16") or (image.mode == "I" and 255 < values.max() <= 65535):
        low, high = 0.0, 65535.0
    else:
        low, high = float(values.min()), float(values.max())
    scaled = (values - low) / max(high - low, 1e-12) * 255
    return Image.fromarray(scaled.clip(0, 255).round().astype(np.uint8))
