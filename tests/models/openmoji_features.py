"""Features of real drawings, for tests: openmoji_features.npz, and how it was made.

python -m tests.models.openmoji_features [--home FOLDER]

450 of the built-in OpenMoji drawings, 50 of each of nine categories, evenly spaced in the order of
the data set, through EfficientNet-Lite0; of its 1,280 features every fourth, as float16, to keep
the file small. Every third drawing is a query; the others are database and training set, with the
four augmented views that contrastive methods train on. The drawings: all emojis designed by
OpenMoji (https://openmoji.org), the open-source emoji and icon project, licence CC BY-SA 4.0; so is
what is derived from them here.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.backbones.registry import load_backbone
from models.method import HashMethod, TrainingSet
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest
from pipeline.ingest.sources.openmoji import open_source
from pipeline.settings import Settings

FILE = Path(__file__).with_suffix(".npz")
_EACH, _STEP, _VIEWS = 50, 4, 4


@dataclass(frozen=True)
class Drawings:
    """Features and one-hot labels of the drawings.

    Attributes:
        views: (n, d) float32 each, of the training images: the plain ones, then augmented ones.
        labels: (n, 9) bool.
        queries: (q, d) float32.
        query_labels: (q, 9) bool.
    """

    views: tuple[Tensor, ...]
    labels: Tensor
    queries: Tensor
    query_labels: Tensor

    def training_set(self, method: type[HashMethod]) -> TrainingSet:
        """What the method's card asks for."""
        is_supervised = method.card.supervision == "supervised"
        return TrainingSet(self.views[: method.card.views], self.labels if is_supervised else None)


def load() -> Drawings:
    """The drawings of the file."""
    with np.load(FILE) as stored:
        views, queries = (torch.from_numpy(stored[name]).float() for name in ("views", "queries"))
        labels, query_labels = (
            torch.nn.functional.one_hot(torch.from_numpy(stored[name]).long()).bool()
            for name in ("labels", "query_labels")
        )
    return Drawings(tuple(views), labels, queries, query_labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="Keep data and features here, for the next time.")
    options = parser.parse_args()
    settings = Settings(home=options.home or Path(tempfile.mkdtemp(prefix="hashlens-drawings-")))
    dataset = import_dataset(open_source("openmoji", SourceRequest()), settings)
    member = dataset.labels(dataset.label_set("category")).argmax(axis=1)
    images = np.concatenate(
        [
            rows[np.linspace(0, len(rows) - 1, _EACH).astype(int)]
            for rows in (np.flatnonzero(member == one) for one in np.unique(member))
        ]
    )
    is_query = np.arange(len(images)) % 3 == 1
    backbone = load_backbone("efficientnet_lite0")
    cache, train = FeatureCache(backbone, settings), images[~is_query]
    views = (cache.get(dataset, images=train), *cache.augmented_views(dataset, train, _VIEWS))
    queries = cache.get(dataset, images=images[is_query])
    np.savez_compressed(
        FILE,
        views=np.stack(views)[..., ::_STEP].astype(np.float16),
        queries=queries[:, ::_STEP].astype(np.float16),
        labels=member[train].astype(np.uint8),
        query_labels=member[images[is_query]].astype(np.uint8),
    )


if __name__ == "__main__":
    main()
