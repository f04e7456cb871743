"""The pictures of a shared search: WebP, one by one or a hundred to a sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.no_picture import lettered, tile
from pipeline.images import ImageError

ACROSS = 10  # pictures in a row of a sheet, and rows in it
_QUALITY = 75  # of WebP; more is not seen at these sizes
_SAMPLE = 32  # pictures that a size is estimated from
_AHEAD = 256  # pictures that are made before the first of them is written


def mean_size(dataset: RetrievalDataset, rows: NDArray[np.int64], pixels: int) -> float:
    """Mean size in bytes of up to 32 pictures, evenly spaced."""
    sample = rows[np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(int)]
    return float(np.mean([len(picture(dataset, int(row), pixels)) for row in sample]))


def pictures(
    dataset: RetrievalDataset, rows: NDArray[np.int64], pixels: int, threads: int
) -> Iterator[bytes]:
    """The WebP of each row, in order.

    Args:
        dataset: whose images.
        rows: manifest rows (n,).
        pixels: longest side; smaller images keep their size.
        threads: that decode and encode.
    """
    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(rows, _AHEAD):
            yield from pool.map(lambda row: picture(dataset, row, pixels), batch)


def picture(dataset: RetrievalDataset, row: int, pixels: int) -> bytes:
    """One image as WebP; a tile with its name where the file is gone or was never there."""
    return _webp(_thumbnail(dataset, row, pixels))


def sheets(
    dataset: RetrievalDataset, rows: NDArray[np.int64], pixels: int, threads: int
) -> Iterator[bytes]:
    """A hundred pictures to a WebP, each in the middle of a transparent square.

    For the arguments see `pictures`.
    """
    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(rows, ACROSS * ACROSS):
            sheet = Image.new("RGBA", (ACROSS * pixels, ACROSS * pixels))
            thumbnails = pool.map(lambda row: _thumbnail(dataset, row, pixels), batch)
            for place, thumbnail in enumerate(thumbnails):
                line, column = divmod(place, ACROSS)
                left = column * pixels + (pixels - thumbnail.width) // 2
                top = line * pixels + (pixels - thumbnail.height) // 2
                sheet.paste(thumbnail, (left, top))
            yield _webp(sheet)


def _thumbnail(dataset: RetrievalDataset, row: int, pixels: int) -> Image.Image:
    try:
        image = dataset.load_image(row) if dataset.has_pictures else tile(dataset, row)
    except ImageError:
        name = str(dataset.manifest["image_id"].iloc[row])
        image = lettered(name, "picture no longer available")
    image.thumbnail((pixels, pixels))
    return image


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[list[int]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size].tolist()


def _webp(image: Image.Image) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "WEBP", quality=_QUALITY, method=4)
    return encoded.getvalue()
