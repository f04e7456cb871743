"""The cosine of features: what puts images in order that codes alone cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.ranking import unit_length
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing, StoredFeatures, find_stored

if TYPE_CHECKING:  # torch, which stored features do without
    from models.backbones.base import Backbone

_MEAN_ROWS = 2048  # images that the mean of the features is taken over
Values = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # manifest rows (n,), least first


def sample_rows(dataset: RetrievalDataset) -> NDArray[np.int64]:
    """Rows of up to 2,048 images, evenly spaced, that the mean of the features is taken over."""
    return np.linspace(0, len(dataset) - 1, min(_MEAN_ROWS, len(dataset))).astype(np.int64)


def sample_mean(dataset: RetrievalDataset, stored: StoredFeatures) -> NDArray[np.float32]:
    """Mean (d,) of the stored features of `sample_rows`.

    Raises:
        FeaturesMissing: some of these have none.
    """
    mean: NDArray[np.float32] = stored.read(dataset, sample_rows(dataset)).mean(axis=0)
    return mean


class Cosine:
    """The cosine of stored features to those of a query, centred as the data set's are.

    Args:
        dataset: whose images are compared.
        stored: their features.

    Attributes:
        mean: (d,) of the features of `sample_rows`.
    """

    def __init__(self, dataset: RetrievalDataset, stored: StoredFeatures) -> None:
        self._dataset, self._stored = dataset, stored
        self.mean = sample_mean(dataset, stored)

    def sample(self) -> NDArray[np.float32]:
        """The features (n, d) that the mean is taken over."""
        return self._stored.read(self._dataset, sample_rows(self._dataset))

    def of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features (n, d) of images of the data set.

        Raises:
            FeaturesMissing: some have none.
        """
        return self._stored.read(self._dataset, rows)

    def of_row(self, row: int) -> NDArray[np.float32]:
        """Features (d,) of an image of the data set.

        Raises:
            FeaturesMissing: it has none.
        """
        features: NDArray[np.float32] = self.of_rows(np.array([row]))[0]
        return features

    def values(self, query: NDArray[np.float32]) -> Values:
        """Negative cosines to the features (d,) of a query, in [-1, 1]."""
        [direction] = unit_length(query[None] - self.mean)

        def negative_cosines(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            features = unit_length(self._stored.read(self._dataset, rows) - self.mean)
            return np.asarray(-(features @ direction), np.float32)

        return negative_cosines


def cosine_of(
    run: Run, dataset: RetrievalDataset, settings: Settings, load: Callable[[], Backbone]
) -> Cosine:
    """What results of a run are put in order by.

    Args:
        run: that is searched.
        dataset: of the run.
        settings: say where features are kept.
        load: gives the run's backbone; called only where it must tell which features are its own.

    Raises:
        FeaturesMissing: they are not stored, or are not those that the codes were made of.
        RuntimeError: the network that tells which are its features is unavailable.
    """
    if run.spec.finetune is not None:
        raise FeaturesMissing("the backbone learned with the method, and its features are not kept")
    stored = find_stored(run.spec.backbone, settings)
    if stored is None:
        from pipeline.features import FeatureCache  # loads torch

        stored = FeatureCache(load(), settings).stored
    return Cosine(dataset, stored)
