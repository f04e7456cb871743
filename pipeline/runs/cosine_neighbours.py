"""The nearest images of each query by the cosine of its features: what codes are to keep.

Found once per data set, backbone and split, then read from the disk:

    baselines/neighbours-<key>.npy   (q, k) int64 places in the database
"""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import Indices
from pipeline.evaluation.metric_table import NEIGHBOURS
from pipeline.evaluation.neighbours import nearest_by_cosine
from pipeline.evaluation.ranking import OnProgress
from pipeline.features import FeatureCache
from pipeline.files import keep
from pipeline.settings import Settings
from pipeline.stored_features import find_stored
from pipeline.sums import check_sum

_ROWS = 8192  # of features that are added up at a time
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CentredFeatures:
    """Rows of features (n, d) less their mean; computed for each block when it is read."""

    features: NDArray[np.float32]
    rows: Indices
    mean: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        return len(self.rows), self.features.shape[1]

    def __getitem__(self, block: slice) -> NDArray[np.float32]:
        return self.features[self.rows[block]] - self.mean


def mean_features(features: NDArray[np.float32], rows: Indices) -> NDArray[np.float32]:
    """Mean (d,) of some rows, added up block by block."""
    blocks = (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))
    total = sum(features[block].sum(axis=0, dtype=np.float64) for block in blocks)
    mean: NDArray[np.float32] = np.asarray(total / len(rows), np.float32)
    return mean


def cosine_neighbours(
    dataset: RetrievalDataset,
    query: Indices,
    database: Indices,
    settings: Settings,
    cache: FeatureCache,
    on_progress: OnProgress = lambda done, total: None,
    *,
    k: int = NEIGHBOURS,
) -> NDArray[np.int64]:
    """Places (q, k) in the database of the k images nearest to each query, nearest first.

    By the cosine of the features, centred at the mean of the database. Images of the same content
    as the query are left out: any code finds them.

    Args:
        dataset: whose images.
        query: manifest rows (q,) of the queries.
        database: manifest rows (n,) of the database.
        settings: say where the places are kept.
        cache: features of the backbone.
        on_progress: called with queries done and queries in all.
        k: how many; fewer where the database is smaller.

    Raises:
        ImageError: an image whose features are missing is gone or has changed.
    """
    path = _path(dataset, query, database, settings, cache.folder.name, k)
    try:
        check_sum(path)
        return np.asarray(np.load(path, allow_pickle=False), np.int64)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        _log.warning("the neighbours in %s cannot be read and are found again: %s", path, error)
    features = cache.get(dataset)
    mean = mean_features(features, database)
    queries = features[query] - mean
    same = _same_content(dataset, query, database)
    more = k + max(map(len, same.values()), default=0)
    items = CentredFeatures(features, database, mean)
    nearest = _without(same, nearest_by_cosine(queries, items, more, on_progress), k)
    content = io.BytesIO()
    np.save(content, nearest)
    keep(path, content.getvalue())
    return nearest


def stored_neighbours(
    dataset: RetrievalDataset,
    query: Indices,
    database: Indices,
    settings: Settings,
    backbone: str,
    k: int,
) -> NDArray[np.int64]:
    """What `cosine_neighbours` has kept, read without a network.

    Raises:
        LookupError: it was never found, or cannot be read; the message says what to do.
    """
    stored = find_stored(backbone, settings)
    try:
        if stored is None:
            raise FileNotFoundError(f"no features of {backbone}")
        path = _path(dataset, query, database, settings, stored.folder.name, k)
        check_sum(path)
        return np.asarray(np.load(path, allow_pickle=False), np.int64)
    except (OSError, ValueError) as error:
        raise LookupError(
            f"the {k} nearest images by the features of {backbone} are not stored ({error}); "
            "evaluate the run again"
        ) from error


def _path(
    dataset: RetrievalDataset,
    query: Indices,
    database: Indices,
    settings: Settings,
    features: str,
    k: int,
) -> Path:
    key = hashlib.sha256(f"{dataset.info.fingerprint}|{features}|{k}".encode())
    for rows in (query, database):
        key.update(np.asarray(rows, np.int64).tobytes())
        key.update(b"|")
    if _same_content(dataset, query, database):
        key.update(b"without the same content")  # earlier versions kept them
    return settings.home / "baselines" / f"neighbours-{key.hexdigest()[:24]}.npy"


def _same_content(
    dataset: RetrievalDataset, query: Indices, database: Indices
) -> dict[int, NDArray[np.int64]]:
    """Places in the database of the images that have the content of a query, by its number."""
    digests = dataset.manifest["sha256"]
    queries = digests.iloc[query]
    items = pd.Series(np.arange(len(database)), digests.iloc[database])
    items = items[items.index.isin(queries)]
    return {
        number: items.loc[[digest]].to_numpy()
        for number, digest in enumerate(queries)
        if digest in items.index
    }


def _without(
    same: dict[int, NDArray[np.int64]], nearest: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """The first k of each row (q, more) without the places that are its query's own content."""
    if not same:
        return nearest
    rows = [row[~np.isin(row, same.get(number, ()))] for number, row in enumerate(nearest)]
    width = min(k, *map(len, rows))
    return np.stack([row[:width] for row in rows])
