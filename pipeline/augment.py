"""augmented: random views of an image, the same ones every time; contrastive methods train on them.

Crop, flip, colour jitter, grey and blur with the strengths of CIBHash (Qiu et al., IJCAI 2021),
which are SimCLR's (Chen et al., ICML 2020, https://arxiv.org/abs/2002.05709) made milder.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

VERSION = "1"  # part of the cache key: raise it with every change of what a view looks like
_SIDE = 256  # of a view; a backbone scales it to its own size
_AREA = (0.5, 1.0)  # share of the image that a crop keeps
_ASPECT = (3 / 4, 4 / 3)
_JITTER, _HUE = 0.4, 0.1  # largest change of brightness, contrast and saturation; turn of the hue
_P_FLIP, _P_JITTER, _P_GREY = 0.5, 0.7, 0.2
_BLUR = (0.1, 1.0)  # radius in pixels


def augmented(image: Image.Image, digest: str, view: int) -> Image.Image:
    """View number `view` (from 1) of an RGB image, 256 x 256; what is random comes from the digest.

    Args:
        image: image as it was imported.
        digest: sha256 of its bytes, in hexadecimal.
        view: other numbers give other views.
    """
    rng = np.random.default_rng([view, int(digest, 16)])
    image = image.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC, box=_crop(image.size, rng))
    if rng.random() < _P_FLIP:
        image = ImageOps.mirror(image)
    if rng.random() < _P_JITTER:
        image = _jittered(image, rng)
    if rng.random() < _P_GREY:
        image = image.convert("L").convert("RGB")
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(*_BLUR)))


def _crop(size: tuple[int, int], rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A box inside an image of this size: a random share of its area, a random shape and place."""
    area = size[0] * size[1] * rng.uniform(*_AREA)
    aspect = np.exp(rng.uniform(*np.log(_ASPECT)))
    width, height = min((area * aspect) ** 0.5, size[0]), min((area / aspect) ** 0.5, size[1])
    left, top = rng.uniform(0, size[0] - width), rng.uniform(0, size[1] - height)
    return left, top, left + width, top + height


def _jittered(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast, saturation and hue changed, in random order."""
    factor = rng.uniform(1 - _JITTER, 1 + _JITTER, 3)
    turn = rng.uniform(-_HUE, _HUE)
    steps: list[Callable[[Image.Image], Image.Image]] = [
        lambda image: ImageEnhance.Brightness(image).enhance(factor[0]),
        lambda image: ImageEnhance.Contrast(image).enhance(factor[1]),
        lambda image: ImageEnhance.Color(image).enhance(factor[2]),
        lambda image: _turned(image, turn),
    ]
    for step in rng.permutation(len(steps)):
        image = steps[step](image)
    return image


def _turned(image: Image.Image, turn: float) -> Image.Image:
    """The hue moved round the colour circle by this share of it."""
    hue, saturation, value = image.convert("HSV").split()
    moved = hue.point([(level + round(256 * turn)) % 256 for level in range(256)])
    return Image.merge("HSV", (moved, saturation, value)).convert("RGB")
