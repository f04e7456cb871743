"""FeatureCache: each image goes through each backbone once, whatever data set it is in.

Where and how they lie: pipeline/stored_features.py. Augmented views, which contrastive methods
train on, have folders of their own, one for each view. After a kill a row without a key is cut off
and the work resumes from there.
"""

from __future__ import annotations

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from models.backbones.base import Backbone
from models.backbones.registry import has_network
from models.errors import WeightsError
from pipeline.augment import augmented
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.embedding import embedded
from pipeline.files import check_room
from pipeline.progress import Progress, ignore_progress
from pipeline.settings import Settings
from pipeline.stored_features import (
    AboutFeatures,
    StoredFeatures,
    features_folder,
    lacking_vectors,
)


class FeatureCache:
    """Features of one backbone, keyed by image content, on disk and memory-mapped.

    Args:
        backbone: that computes them.
        settings: where the cache is.
        view: 0 for the plain images; from 1, an augmented view of each.
    """

    def __init__(self, backbone: Backbone, settings: Settings, view: int = 0) -> None:
        self.backbone, self._settings, self._view = backbone, settings, view
        self.folder = features_folder(backbone.name, backbone.fingerprint, settings, view)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stored = StoredFeatures(self.folder, backbone.dim)
        self.stored.describe(AboutFeatures(backbone=backbone.name, dim=backbone.dim, view=view))

    def get(
        self,
        dataset: RetrievalDataset,
        on_progress: Progress = lambda done, total: None,
        *,
        images: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Features (n, d) of images of a data set, in their order; computes what is missing.

        The array is read-only; a memory map when the rows lie in order, else a copy.

        Args:
            dataset: whose images.
            on_progress: called with images done and images in all.
            images: their numbers (n,); None: all, in manifest order.

        Raises:
            ImageError: an image is gone or has changed since the import.
            OSError: the disk cannot hold what is missing.
        """
        numbers = np.arange(len(dataset)) if images is None else images
        if self.n_missing(dataset, numbers):
            with FileLock(self.folder / ".lock"):  # another process may fill it meanwhile
                missing = numbers[self._is_missing(dataset, numbers)].tolist()
                if missing:
                    self._extract(dataset, missing, len(numbers), on_progress)
        return self.stored.read(dataset, numbers)

    def n_missing(self, dataset: RetrievalDataset, images: NDArray[np.int64]) -> int:
        """How many of the images with these numbers `get` would have to compute."""
        return int(np.count_nonzero(self._is_missing(dataset, images)))

    def lacking_bytes(
        self, dataset: RetrievalDataset, train: NDArray[np.int64], n_views: int = 0
    ) -> int:
        """Bytes that the features of a run still have to add.

        Args:
            dataset: all of whose images are needed.
            train: numbers of the images (n,) whose augmented views are needed, too.
            n_views: how many each.
        """
        if not has_network(self.backbone.name):
            return 0  # own vectors are there, or nothing computes them
        name, fingerprint = self.backbone.name, self.backbone.fingerprint
        lacking = self.n_missing(dataset, np.arange(len(dataset)))
        for view in range(1, n_views + 1):
            folder = features_folder(name, fingerprint, self._settings, view)
            known = StoredFeatures(folder, self.backbone.dim).find(dataset.pixel_keys(train))
            lacking += int(np.count_nonzero(known < 0))
        return lacking * self.stored.row_bytes

    def _is_missing(
        self, dataset: RetrievalDataset, images: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        return np.asarray(self.stored.find(dataset.pixel_keys(images)) < 0)

    def augmented_views(
        self,
        dataset: RetrievalDataset,
        images: NDArray[np.int64],
        count: int,
        on_progress: Progress = ignore_progress,
    ) -> tuple[NDArray[np.float32], ...]:
        """Features (n, d) of `count` augmented views of the images with these numbers (n,).

        A view costs what a plain image costs, about 30 ms on one core with the default backbone;
        like plain images, each is computed once.
        """

        def view(number: int) -> NDArray[np.float32]:
            before = (number - 1) * len(images)
            return FeatureCache(self.backbone, self._settings, number).get(
                dataset,
                lambda done, total: on_progress(before + done, count * total),
                images=images,
            )

        return tuple(view(number) for number in range(1, count + 1))

    def _extract(
        self, dataset: RetrievalDataset, missing: list[int], total: int, on_progress: Progress
    ) -> None:
        """Append features of the `missing` images; the caller holds the lock.

        Raises:
            WeightsError: they are own vectors, which nothing computes here, or there is no picture.
            OSError: the disk cannot hold them.
        """
        if has_network(self.backbone.name) and not dataset.has_pictures:
            raise WeightsError(
                f"{dataset.info.name!r} is made of vectors, so {self.backbone.name} finds no "
                "pictures; use its own vectors: --backbone vectors:NAME (see: features list)"
            )
        if not has_network(self.backbone.name):
            raise WeightsError(lacking_vectors(self.backbone.name, dataset, missing))
        check_room(self.folder, len(missing) * self.stored.row_bytes)
        self.stored.cut()
        done = total - len(missing)
        for batch, features in embedded(
            self.backbone, lambda row: self._load(dataset, row), missing
        ):
            self.stored.append(features, dataset.pixel_keys(np.array(batch)))
            done += len(batch)
            on_progress(done, total)

    def _load(self, dataset: RetrievalDataset, row: int) -> Image.Image:
        image = dataset.load_image(row)
        digest = str(dataset.manifest["sha256"].iloc[row])
        return augmented(image, digest, self._view) if self._view else image
