"""Two-stage retrieval: codes find a shortlist, real-valued features put it in order.

    within a distance   by Hamming distance; equally near images by the cosine of their features
    rescored            the nearest `SHORTLIST` images by codes, all by the cosine of their features
    codes only          by Hamming distance; equally near images in the order of the store

An index that holds features rescores by itself; else features are read from the disk.

The first is what every search shows where features are at hand: a code of K bits has K + 1
distances, so that dozens of images are often equally near.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.evaluation.rankings import SHORTLIST
from pipeline.index.cosine import Values
from pipeline.index.search import Found, search_index
from pipeline.index.store.base import CodeStore, Hit, SearchResult, Where
from pipeline.index.store.features import NoFeatures
from pipeline.stored_features import FeaturesMissing

MAX_TIES = 2000  # equally near images that are compared; of more, those that the store gives first


@dataclass(frozen=True)
class Ordering:
    """What to sort a shortlist by.

    Attributes:
        values: of images, the best with the least value.
        is_within_distance: whether only equally near images are sorted by it.
        features: (d,) of the query, where values are the cosine of features: an index that holds
            them rescores by itself. None: values are something else.
    """

    values: Values
    is_within_distance: bool = True
    features: NDArray[np.float32] | None = None


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
    if ordering and ordering.features is not None and not ordering.is_within_distance:
        began = time.perf_counter()
        with suppress(NoFeatures):
            result = store.rescored(alias, code, ordering.features, depth, where, max_distance)
            return Found(result, time.perf_counter() - began)
    nearest = search_index(store, alias, code, k=depth, radius=max_distance, where=where)
    hits = nearest.result.hits
    if ordering is None or not ordering.is_within_distance or len(hits) < depth:
        return nearest
    last = hits[-1].distance
    whole = search_index(store, alias, code, k=max(MAX_TIES, depth), radius=last, where=where)
    return Found(
        SearchResult(whole.result.hits, whole.result.tie_cut), nearest.search_s + whole.search_s
    )


def rescored_in_index(features: NDArray[np.float32], reason: str) -> Ordering:
    """An order that only an index with features can give; elsewhere the codes alone decide.

    Args:
        features: (d,) of the query.
        reason: why features cannot be read from the disk.
    """

    def refuse(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        raise FeaturesMissing(reason)

    return Ordering(refuse, is_within_distance=False, features=features)


@dataclass(frozen=True)
class Sorted:
    """A shortlist in order.

    Attributes:
        places: (n,) of the hits, best first.
        seconds: that sorting took.
        is_by_distance: whether farther images come after nearer ones.
        is_in_index: whether the index compared the features.
        problem: why the codes alone decide though more was asked for; empty if they do not.
    """

    places: NDArray[np.int64]
    seconds: float = 0.0
    is_by_distance: bool = True
    is_in_index: bool = False
    problem: str = ""


def sort_hits(hits: Sequence[Hit], ordering: Ordering | None) -> Sorted:
    """Sort hits that come by distance; where features are missing they stay as they come."""
    places = np.arange(len(hits))
    if ordering is None or not len(hits):
        return Sorted(places)
    began = time.perf_counter()
    cosines = [hit.cosine for hit in hits if hit.cosine is not None]
    if len(cosines) == len(hits) and not ordering.is_within_distance:
        places = np.argsort(-np.array(cosines), kind="stable")
        return Sorted(places, is_by_distance=False, is_in_index=True)
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
