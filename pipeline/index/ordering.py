"""Two-stage retrieval: codes find a shortlist, real-valued features put it in order.

    within a distance   by Hamming distance; equally near images by the cosine of their features
    rescored            the nearest `SHORTLIST` images by codes, all by the cosine of their features
    codes only          by Hamming distance; equally near images in the order of the store

The first is what every search shows where features are at hand: a code of K bits has K + 1
distances, so that dozens of images are often equally near.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.ranking import unit_length
from pipeline.evaluation.rankings import SHORTLIST
from pipeline.index.search import Found, search_index
from pipeline.index.store.base import CodeStore, Hit, SearchResult, Where
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing, StoredFeatures, find_stored

if TYPE_CHECKING:  # torch, which stored features do without
    from models.backbones.base import Backbone

MAX_TIES = 2000  # equally near images that are compared; of more, those that the store gives first
_MEAN_ROWS = 2048  # images that the mean of the features is taken over
Values = Callable[[NDArray[np.int64]], NDArray[np.float32]]  # manifest rows (n,), least first


@dataclass(frozen=True)
class Ordering:
    """What to sort a shortlist by.

    Attributes:
        values: of images, the best with the least value.
        is_within_distance: whether only equally near images are sorted by it.
    """

    values: Values
    is_within_distance: bool = True


def find_shortlist(
    store: CodeStore,
    alias: str,
    code: HashCodes,
    ordering: Ordering | None,
    *,
    limit: int,
    max_distance: int | None = None,
    where: Where | None = None,
) -> Found:
    """The images that an order of the nearest `limit` has to look at, by distance.

    Args:
        store: to search in.
        alias: of the index.
        code: one code.
        ordering: that they will be sorted by; None: by nothing.
        limit: results that will be shown.
        max_distance: only images at this distance or nearer; None: at any.
        where: what the store filters by.

    Raises:
        StoreError: the store does not answer.
    """
    depth = limit if ordering is None or ordering.is_within_distance else max(limit, SHORTLIST)
    nearest = search_index(store, alias, code, k=depth, radius=max_distance, where=where)
    hits = nearest.result.hits
    if ordering is None or not ordering.is_within_distance or len(hits) < depth:
        return nearest
    last = hits[-1].distance
    whole = search_index(store, alias, code, k=max(MAX_TIES, depth), radius=last, where=where)
    return Found(
        SearchResult(whole.result.hits, whole.result.tie_cut), nearest.search_s + whole.search_s
    )


@dataclass(frozen=True)
class Sorted:
    """A shortlist in order.

    Attributes:
        places: (n,) of the hits, best first.
        seconds: that sorting took.
        is_by_distance: whether farther images come after nearer ones.
        problem: why the codes alone decide though more was asked for; empty if they do not.
    """

    places: NDArray[np.int64]
    seconds: float = 0.0
    is_by_distance: bool = True
    problem: str = ""


def sort_hits(hits: Sequence[Hit], ordering: Ordering | None) -> Sorted:
    """Sort hits that come by distance; where features are missing they stay as they come."""
    places = np.arange(len(hits))
    if ordering is None or not len(hits):
        return Sorted(places)
    began = time.perf_counter()
    try:
        values = ordering.values(rows_of(hits))
    except FeaturesMissing as error:
        return Sorted(places, problem=str(error))
    if ordering.is_within_distance:
        places = np.lexsort((values, np.array([hit.distance for hit in hits])))
    else:
        places = np.argsort(values, kind="stable")
    return Sorted(places, time.perf_counter() - began, ordering.is_within_distance)


def rows_of(hits: Sequence[Hit]) -> NDArray[np.int64]:
    """Manifest rows (n,) of hits."""
    return np.array([int(str(hit.payload["row"])) for hit in hits], np.int64)


def sample_mean(dataset: RetrievalDataset, stored: StoredFeatures) -> NDArray[np.float32]:
    """Mean (d,) of the stored features of a data set, taken over some of its images.

    Raises:
        FeaturesMissing: some of these have none.
    """
    sample = np.linspace(0, len(dataset) - 1, min(_MEAN_ROWS, len(dataset))).astype(np.int64)
    mean: NDArray[np.float32] = stored.read(dataset, sample).mean(axis=0)
    return mean


class Cosine:
    """The cosine of stored features to those of a query, centred as the data set's are.

    Args:
        dataset: whose images are compared.
        stored: their features.
    """

    def __init__(self, dataset: RetrievalDataset, stored: StoredFeatures) -> None:
        self._dataset, self._stored = dataset, stored
        self._mean = sample_mean(dataset, stored)

    def of_row(self, row: int) -> NDArray[np.float32]:
        """Features (d,) of an image of the data set.

        Raises:
            FeaturesMissing: it has none.
        """
        features: NDArray[np.float32] = self._stored.read(self._dataset, np.array([row]))[0]
        return features

    def values(self, query: NDArray[np.float32]) -> Values:
        """Negative cosines to the features (d,) of a query, in [-1, 1]."""
        [direction] = unit_length(query[None] - self._mean)

        def negative_cosines(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            features = unit_length(self._stored.read(self._dataset, rows) - self._mean)
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
