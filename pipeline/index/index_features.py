"""Features that an index keeps beside its codes: which, of what size, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.index.cosine import Cosine, cosine_of
from pipeline.index.store.features import FeatureType, FeatureVectors, feature_bytes
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing, find_stored

KeptFeatures = Literal["none", "float16", "int8"]


@dataclass(frozen=True, eq=False)
class IndexFeatures:
    """Features of a data set on their way into an index.

    Attributes:
        type: of a stored value.
        cosine: has the features, and their mean.
    """

    type: FeatureType
    cosine: Cosine

    @property
    def dim(self) -> int:
        """Values per image."""
        return len(self.cosine.mean)

    @cached_property
    def vectors(self) -> FeatureVectors:
        """How the index keeps them."""
        return FeatureVectors.fitted(self.type, self.cosine.mean, self.cosine.sample())

    def of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (n, d) of images.

        Raises:
            RunError: some have none.
        """
        try:
            return self.cosine.of_rows(rows)
        except FeaturesMissing as error:
            raise RunError(f"the index cannot keep features: {error}") from error


def open_features(
    run: Run, dataset: RetrievalDataset, kept: KeptFeatures, settings: Settings
) -> IndexFeatures | None:
    """What an index is to keep beside the codes of a run; None: nothing.

    Raises:
        RunError: the features are not stored.
    """
    if kept == "none":
        return None
    try:
        return IndexFeatures(kept, cosine_of(run, dataset, settings, run.load_backbone))
    except FeaturesMissing as error:
        raise RunError(f"the index cannot keep features: {error}") from error


def feature_sizes(run: Run, n_images: int, settings: Settings) -> Mapping[FeatureType, int]:
    """Bytes on the disk by type, for so many images; empty where features are not stored.

    Args:
        run: that is published.
        n_images: in its index.
        settings: where features lie.
    """
    stored = None if run.spec.finetune else find_stored(run.spec.backbone, settings)
    if stored is None:
        return {}
    return {kept: feature_bytes(kept, n_images, stored.dim) for kept in get_args(FeatureType)}
