"""Features and labels of a real image set beside the checkout, for benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backbones.registry import load_backbone
from models.codes import HashCodes
from pipeline.datasets.protocols import PROTOCOLS
from pipeline.datasets.split import make_split
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import hamming_histograms
from pipeline.features import FeatureCache
from pipeline.ingest.ingest import import_dataset
from pipeline.settings import Settings
from tests.shared_sets import open_shared

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Data:
    """Features (n, d) and labels (n, C) of the parts of a data set."""

    train: Features
    query: Features
    database: Features
    query_labels: NDArray[np.bool_]
    database_labels: NDArray[np.bool_]

    def mean_average_precision(self, query: HashCodes, database: HashCodes) -> float:
        """Tie-aware mAP@all of codes of query and database."""
        counts = hamming_histograms(
            query, database, self.query_labels, self.database_labels, threads=1
        )
        return float(average_precision(counts).mean())


def real_features(name: str, settings: Settings) -> Data | None:
    """Import and embed the set under its own split; None where it is not there."""
    source = open_shared(name)
    if source is None:
        return None
    dataset = import_dataset(source, settings)
    features = FeatureCache(load_backbone("efficientnet_lite0"), settings).get(dataset)
    split = make_split(dataset, PROTOCOLS["given"], dataset.label_set(), seed=0)
    labels = dataset.labels(dataset.label_set())
    return Data(
        *(features[rows] for rows in (split.train, split.query, split.database)),
        labels[split.query],
        labels[split.database],
    )
