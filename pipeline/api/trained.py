"""Images as features, and finished runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.api.arrays import Codes
from pipeline.api.codes import Index
from pipeline.api.hasher import Hasher
from pipeline.backbones import load_backbone
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.evaluation.report import Report
from pipeline.images import load_rgb
from pipeline.index.coverage import searched_codes
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings

AnyImage = Image.Image | Path | str | bytes
_BATCH = 32  # images in the network at once
_DEFAULT_BACKBONE = "efficientnet_lite0"


def encode_images(
    images: Sequence[AnyImage], backbone: str = _DEFAULT_BACKBONE, *, home: Path | str | None = None
) -> NDArray[np.float32]:
    """Features (n, d) of images.

    Args:
        images: of Pillow, paths, or contents of files.
        backbone: network, see docs/backbones.md.
        home: the library where own vectors are; None: that of the environment.

    Raises:
        ImageError: one cannot be read.
        ValueError: no backbone of that name, or no images.
        WeightsError: its weights are unavailable.
    """
    if not len(images):
        raise ValueError("there are no images to encode")
    network = load_backbone(backbone, _settings(home))
    batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    features = [network.embed([_opened(image) for image in batch]).numpy() for batch in batches]
    return np.concatenate(features)


@dataclass(frozen=True)
class TrainedRun:
    """A finished run: its codes, its report, and its model for images that it has not seen.

    Attributes:
        run: as the pipeline knows it.
        dataset: that it was trained on.
        settings: of the library.
    """

    run: Run
    dataset: RetrievalDataset
    settings: Settings

    @property
    def report(self) -> Report:
        """What was measured.

        Raises:
            RunError: the run was not measured.
        """
        return self.run.report()

    @property
    def hasher(self) -> Hasher:
        """The fitted method, which takes features of the run's backbone."""
        return Hasher.of(self.run.load_method())

    def codes(self) -> tuple[Codes, list[str]]:
        """Codes (n, bytes) of all images, and their ids.

        Raises:
            RunError: they are missing or damaged.
        """
        codes, rows = searched_codes(self.run)
        return codes.packed, [str(name) for name in self.dataset.manifest["image_id"].iloc[rows]]

    def index(self) -> Index:
        """The codes as something to search in; hits are ids of images."""
        codes, ids = self.codes()
        return Index(codes, ids, bits=self.run.spec.bits)

    def encode(self, images: Sequence[AnyImage]) -> Codes:
        """Codes (n, bytes) of images, by the run's own backbone.

        Raises:
            ImageError: one cannot be read.
            WeightsError: there is no network that could encode it.
        """
        backbone, method = self.run.load_backbone(), self.run.load_method()
        opened = [_opened(image, self.dataset) for image in images]
        batches = [opened[start : start + _BATCH] for start in range(0, len(opened), _BATCH)]
        return np.concatenate([method.encode(backbone.embed(batch)).packed for batch in batches])


def open_run(run_id: str, *, home: Path | str | None = None) -> TrainedRun:
    """Open a finished run.

    Args:
        run_id: its id, or an unambiguous part of it.
        home: the library that it is in; None: that of the environment.

    Raises:
        RunError: there is no such run, or its data set has other content by now.
        DatasetError: its data set is gone or damaged.
    """
    settings = _settings(home)
    run = RunRegistry(settings).open(run_id)
    dataset = load_dataset(run.spec.dataset, settings)
    run.check_dataset(*dataset.info.fingerprints)
    return TrainedRun(run, dataset, settings)


def _settings(home: Path | str | None) -> Settings:
    settings = Settings.from_environment()
    return settings if home is None else settings.model_copy(update={"home": Path(home)})


def _opened(image: AnyImage, dataset: RetrievalDataset | None = None) -> Image.Image:
    if isinstance(image, Image.Image):
        return image.convert("RGB")
    source = Path(image) if isinstance(image, str) else image
    return load_rgb(source) if dataset is None else dataset.read_image(source)
