"""What can be told from pixels without a network: colours, and perceptual hashes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import Indices
from pipeline.images import difference_hash
from pipeline.progress import Progress

Descriptor = Callable[[Image.Image], NDArray[np.float32]]

_LEVELS = 4  # of each colour channel, so 64 cells
_SIDE = 32  # pixels that an image is reduced to before its colours are counted
_IMAGES = 64  # decoded between two reports of progress


def described(
    dataset: RetrievalDataset,
    rows: Indices,
    descriptor: Descriptor,
    threads: int,
    on_progress: Progress,
) -> NDArray[np.float32]:
    """Descriptors (n, d) of the images in these rows, decoded some at a time.

    Raises:
        ImageError: an image cannot be read.
    """
    parts = []

    def describe(row: int) -> NDArray[np.float32]:
        return descriptor(dataset.load_image(row))

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(rows), _IMAGES):
            parts.append(np.stack([*pool.map(describe, rows[start : start + _IMAGES].tolist())]))
            on_progress(min(start + _IMAGES, len(rows)), len(rows))
    return np.concatenate(parts)


def colour_histogram(image: Image.Image) -> NDArray[np.float32]:
    """Square roots of the shares (64,) of an RGB image's pixels in each cell of colours."""
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    levels = np.asarray(small).reshape(-1, 3) // (256 // _LEVELS)
    cells = levels.astype(np.int64) @ np.array([_LEVELS * _LEVELS, _LEVELS, 1])
    shares = np.bincount(cells, minlength=_LEVELS**3) / len(cells)
    return np.sqrt(shares).astype(np.float32)


def difference_signs(image: Image.Image) -> NDArray[np.float32]:
    """The 64 signs of the difference hash: where the grey image gets darker to the right."""
    packed = np.frombuffer(difference_hash(image).to_bytes(8, "big"), np.uint8)
    return np.where(np.unpackbits(packed), 1, -1).astype(np.float32)


def perceptual_hash(image: Image.Image) -> NDArray[np.float32]:
    """The 64 signs of the perceptual hash: low frequencies of the grey image above their median.

    The hash that copies are usually looked for with (Zauner 2010, https://www.phash.org), as the
    package imagehash computes it.
    """
    import imagehash  # scipy's transforms, which nothing else needs

    bits: NDArray[np.bool_] = imagehash.phash(image).hash.ravel()
    return np.where(bits, 1, -1).astype(np.float32)
