"""Pixels of more than 8 bits per channel, as the numbers that the file holds.

Pillow keeps them for grey images only; of colours it reads the upper 8 of 16 bits. The lower ones
are read by telling its decoder that the bytes are in the other order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

from pipeline.decoding.value_range import Values

WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339  # TIFF tags
_PLANES, _APART = 284, 2
_NO_DATA = 42113  # of GDAL: the value, as text, where nothing was measured
_SUBFILE, _IS_REDUCED = 254, 1
_SIGNED = 2
_OTHER_ORDER = {";16B": ";16L", ";16L": ";16B", ";16N": ";16B"}  # N: of this machine, so L
_COLOURS = ("RGB;16", "RGBA;16", "RGBX;16", "LA;16")


@dataclass(frozen=True)
class Wide:
    """An image of more than 8 bits per channel.

    Attributes:
        values: (h, w) or (h, w, 3).
        is_negative: the least value is white, as in some X-rays and scans.
        alpha: (h, w) opacity, 255 where nothing shows through; None without.
    """

    values: Values
    is_negative: bool = False
    alpha: NDArray[np.uint8] | None = None


def wide_grey(image: Image.Image) -> Wide | None:
    """The numbers of a grey image that is loaded; None when it has 8 bits or colours."""
    tags = _tags(image)
    is_signed, bits = tags.get(_FORMAT) == (_SIGNED,), tags.get(_BITS)
    is_signed_byte = image.mode == "L" and is_signed
    if image.mode not in WIDE_MODES and not is_signed_byte:
        return None
    values = np.asarray(image)
    if is_signed_byte:
        values = values.view(np.int8)
    elif image.mode == "I" and bits == (16,):
        values = values.astype(np.int16)
    elif image.mode == "I" and bits == (32,) and not is_signed:
        values = values.view(np.uint32)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "f" and _NO_DATA in tags:
        values = _without(values, str(tags[_NO_DATA]))
    return Wide(values, tags.get(_PHOTOMETRIC) == 0, _see_through(image, values))


def has_wide_colours(image: Image.Image) -> bool:
    """Whether an image that is not loaded yet has colours, or grey and opacity, of 16 bits."""
    return isinstance(image, ImageFile.ImageFile) and any(
        _rawmode(tile).startswith(_COLOURS) for tile in image.tile
    )


def is_preview(image: Image.Image) -> bool:
    """Whether a TIFF says that its first picture is a reduced one of another."""
    return bool(int(_tags(image).get(_SUBFILE, 0)) & _IS_REDUCED)


def stores_wide_channels_apart(image: Image.Image) -> bool:
    """Whether a TIFF has its colours of 16 bits apart, which Pillow takes for 8 bits."""
    tags = _tags(image)
    return tags.get(_PLANES) == _APART and 16 in tags.get(_BITS, ())


def wide_colours(
    image: Image.Image, again: Callable[[], AbstractContextManager[Image.Image]]
) -> Wide:
    """The numbers of an image with colours of 16 bits.

    Args:
        image: loaded.
        again: opens it once more.
    """
    with again() as other:
        assert isinstance(other, ImageFile.ImageFile)
        is_grey = _rawmode(other.tile[0]).startswith("LA;16")
        other.tile = [_reread(tile) for tile in other.tile]
        other.load()
        lower = np.asarray(other)
    if is_grey:  # its four bytes per pixel were read as four channels
        return Wide(_joined(lower[..., 0], lower[..., 1]), alpha=lower[..., 2])
    upper = np.asarray(image)
    values = _joined(upper[..., :3], lower[..., :3])
    alpha = upper[..., 3] if image.mode == "RGBA" else _see_through(image, values)
    return Wide(values, alpha=alpha)


def _see_through(image: Image.Image, values: Values) -> NDArray[np.uint8] | None:
    """Opacity of an image that names one value or colour as transparent; None for others."""
    clear = image.info.get("transparency")
    if not isinstance(clear, int | tuple):
        return None
    is_clear = values == np.array(clear)
    return np.where(is_clear if values.ndim == 2 else is_clear.all(axis=2), 0, 255).astype(np.uint8)


def _without(values: Values, missing: str) -> Values:
    """The values with NaN for the one that means that nothing was measured."""
    try:
        return np.where(values == values.dtype.type(missing.strip("\0 ")), np.nan, values).astype(
            values.dtype
        )
    except ValueError:  # the tag holds no number
        return values


def _joined(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint16]:
    joined: NDArray[np.uint16] = upper.astype(np.uint16) * np.uint16(256) + lower
    return joined


def _reread(tile: ImageFile._Tile) -> ImageFile._Tile:
    """The tile, so described that the lower bytes are taken."""
    rawmode = _rawmode(tile)
    changed = rawmode[:-4] + _OTHER_ORDER[rawmode[-4:]]
    if rawmode.startswith("LA;16"):
        changed = "RGBA"
    is_alone = isinstance(tile.args, str)
    return tile._replace(args=changed if is_alone else (changed, *(tile.args or ())[1:]))


def _rawmode(tile: ImageFile._Tile) -> str:
    """How the decoder is told that bytes make pixels."""
    return str(tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0])


def _tags(image: Image.Image) -> Mapping[int, Any]:
    return image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
