"""Colour histograms of images: what a ranking by colours alone compares."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import Indices
from pipeline.progress import Progress

_LEVELS = 4  # of each colour channel, so 64 cells
_SIDE = 32  # pixels that an image is reduced to before its colours are counted
_IMAGES = 64  # decoded between two reports of progress


def colour_histograms(
    dataset: RetrievalDataset, rows: Indices, threads: int, on_progress: Progress
) -> NDArray[np.float32]:
    """Colour histograms (n, 64) of the images in these rows, decoded some at a time."""
    histograms = np.empty((len(rows), _LEVELS**3), np.float32)

    def histogram(row: int) -> NDArray[np.float32]:
        return colour_histogram(dataset.load_image(row))

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(rows), _IMAGES):
            block = rows[start : start + _IMAGES].tolist()
            histograms[start : start + len(block)] = list(pool.map(histogram, block))
            on_progress(start + len(block), len(rows))
    return histograms


def colour_histogram(image: Image.Image) -> NDArray[np.float32]:
    """Square roots of the shares (64,) of an RGB image's pixels in each cell of colours."""
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    levels = np.asarray(small).reshape(-1, 3) // (256 // _LEVELS)
    cells = levels.astype(np.int64) @ np.array([_LEVELS * _LEVELS, _LEVELS, 1])
    shares = np.bincount(cells, minlength=_LEVELS**3) / len(cells)
    return np.sqrt(shares).astype(np.float32)
