"""Thumbnails of data set images: made when first asked for, kept on disk under their content hash.

thumbs/<data set>/<pixels>/ab/<sha256>.webp
"""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.datasets.no_picture import tile
from pipeline.files import keep
from pipeline.images import ImageError
from pipeline.settings import Settings

SMALL, LARGE = 256, 1024  # longest side in pixels
_DATASET = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OPEN_DATASETS = 4


def thumb_url(dataset: str, sha256: str, *, is_large: bool = False) -> str:
    """Address of an image's thumbnail, relative to the server."""
    return f"/thumbs/{dataset}/{sha256}.webp" + ("?size=large" if is_large else "")


class Thumbnails:
    """The thumbnails of a library. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: OrderedDict[tuple[str, int], tuple[RetrievalDataset, dict[str, int]]] = (
            OrderedDict()
        )
        self._opening = Lock()
        self._making = [Lock() for _ in range(16)]  # by first digit: no image is made twice at once

    def get(self, dataset: str, sha256: str, size: int = SMALL) -> bytes | None:
        """The WebP bytes, or None for an id that is malformed, unknown or unreadable.

        Args:
            dataset: name in the library; anything else than a plain name is refused.
            sha256: of the image's file, 64 hex digits.
            size: longest side in pixels; smaller images keep their size.
        """
        if not (_DATASET.fullmatch(dataset) and _SHA256.fullmatch(sha256)):
            return None
        facts = self._settings.datasets_path / dataset / "dataset.json"
        if not facts.is_file():  # also when the data set was deleted after its thumbs were made
            return None
        path = self._settings.home / "thumbs" / dataset / str(size) / sha256[:2] / f"{sha256}.webp"
        with self._making[int(sha256[0], 16)]:
            if path.is_file():
                return path.read_bytes()
            return self._make(dataset, sha256, size, path, facts)

    def _make(self, dataset: str, sha256: str, size: int, path: Path, facts: Path) -> bytes | None:
        try:
            images, row_of = self._opened(dataset, facts)
            row = row_of[sha256]
            image = images.load_image(row) if images.has_pictures else tile(images, row)
        except (DatasetError, ImageError, KeyError):
            return None
        image.thumbnail((size, size))
        encoded = io.BytesIO()
        image.save(encoded, "WEBP", quality=82)
        keep(path, encoded.getvalue(), durable=False)
        return encoded.getvalue()

    def _opened(self, dataset: str, facts: Path) -> tuple[RetrievalDataset, dict[str, int]]:
        """A data set and the row of each hash; opened again when its facts have changed."""
        key = (dataset, facts.stat().st_mtime_ns)
        with self._opening:
            if key not in self._open:
                images = load_dataset(dataset, self._settings)
                rows = {sha256: row for row, sha256 in enumerate(images.manifest["sha256"])}
                self._open[key] = (images, rows)
                if len(self._open) > _OPEN_DATASETS:
                    self._open.popitem(last=False)
            return self._open[key]
