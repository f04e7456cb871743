"""Vectors of the alternatives: features of unit length, encoded and decoded in blocks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from models.codes import HashCodes
from models.linear import principal_axes
from pipeline.evaluation.metric_table import NEIGHBOURS
from pipeline.evaluation.ranking import ranked, unit_length
from pipeline.evaluation.relevance import COPIES, NEIGHBOUR_RELEVANCES
from pipeline.features import FeatureCache
from pipeline.runs.alternatives import ALTERNATIVES, Alternative
from pipeline.runs.copies import Copies, copy_features
from pipeline.runs.cosine_neighbours import CentredFeatures, cosine_neighbours, mean_features
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings

if TYPE_CHECKING:  # faiss, which stored reports do without
    from pipeline.runs.codecs import Codec

TIMED_QUERIES = 4
_TRAINED_ON = 20_000  # images at most: more than faiss takes per centroid
_BLOCK = 8192


@dataclass(frozen=True)
class UnitRows:
    """Centred features (n, d) of unit length, or their values on some axes (n, k)."""

    centred: CentredFeatures
    axes: NDArray[np.float32] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        n, d = self.centred.shape
        return n, d if self.axes is None else self.axes.shape[1]

    @property
    def dim(self) -> int:
        """Values of a feature, of which a row may keep fewer."""
        return self.centred.shape[1]

    def __getitem__(self, block: slice) -> NDArray[np.float32]:
        unit = unit_length(self.centred[block])
        return unit if self.axes is None else unit @ self.axes


@dataclass(frozen=True)
class JoinedRows:
    """Rows (n, d) of several sets of features, one behind the other."""

    parts: tuple[UnitRows, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return sum(part.shape[0] for part in self.parts), self.parts[0].shape[1]

    @property
    def dim(self) -> int:
        """Values of a feature, of which a row may keep fewer."""
        return self.parts[0].dim

    def __getitem__(self, block: slice) -> NDArray[np.float32]:
        first, last, _ = block.indices(self.shape[0])
        blocks, before = [], 0
        for part in self.parts:
            n = part.shape[0]
            blocks.append(part[max(first - before, 0) : max(min(last - before, n), 0)])
            before += n
        return np.concatenate(blocks)


Rows = UnitRows | JoinedRows


@dataclass(frozen=True)
class Decoded:
    """What a search compares a query with: rows (n, d) that their codes stand for."""

    rows: Rows
    codec: Codec
    codes: NDArray[np.uint8] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.rows.shape

    def coded(self, block: slice) -> NDArray[np.uint8]:
        """Codes (n, code_bytes) of a block of rows."""
        return self.codec.encode(self.rows[block]) if self.codes is None else self.codes[block]

    def __getitem__(self, block: slice) -> NDArray[np.float32]:
        return self.codec.decode(self.coded(block), self.shape[1])


class Vectors:
    """The vectors of all alternatives, from features that are read once per use."""

    def __init__(self, truth: GroundTruth, settings: Settings, cache: FeatureCache) -> None:
        self.truth = truth
        self._features, self._settings, self._cache = cache.get(truth.dataset), settings, cache
        self._mean = mean_features(self._features, truth.split.train)

    def rows(self, images: NDArray[np.int64], alternative: Alternative) -> UnitRows:
        """Of some images, as an alternative sees them."""
        return self.unit(self._features, images, alternative)

    def queries(self, alternative: Alternative) -> UnitRows:
        """Of the queries: those of the split, or edited images where copies are relevant."""
        if self.truth.relevance != COPIES:
            return self.rows(self.truth.split.query, alternative)
        _, features = self._copies
        return self.unit(features, np.arange(len(features)), alternative)

    def unit(
        self, features: NDArray[np.float32], rows: NDArray[np.int64], alternative: Alternative
    ) -> UnitRows:
        """Of rows of any features of the backbone, as an alternative sees them.

        Centred unless it says otherwise, and the principal components where it stores these.
        """
        axes = self._axes[:, : alternative.components] if alternative.components else None
        mean = self._mean if alternative.is_centred else np.zeros_like(self._mean)
        return UnitRows(CentredFeatures(features, rows, mean), axes)

    @cached_property
    def _copies(self) -> tuple[Copies, NDArray[np.float32]]:
        return copy_features(
            self.truth.dataset,
            self.truth.split.database,
            self._cache.backbone,
            self._settings,
            self._cache.folder.name,
        )

    @cached_property
    def trained_on(self) -> NDArray[np.int64]:
        """Manifest rows of the training images, or of as many as are needed."""
        train, rng = self.truth.split.train, np.random.default_rng(0)
        return (
            train if len(train) <= _TRAINED_ON else np.sort(rng.choice(train, _TRAINED_ON, False))
        )

    @cached_property
    def _axes(self) -> NDArray[np.float32]:
        centred = UnitRows(CentredFeatures(self._features, self.trained_on, self._mean), None)
        train = torch.from_numpy(centred[:])
        most = min(train.shape[1], len(train) - 1)
        needed = max(one.components for one in ALTERNATIVES.values())
        axes: NDArray[np.float32] = principal_axes(train, min(needed, most)).numpy()
        return axes

    @cached_property
    def labels(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Labels of queries and database; what decides is found where needed."""
        if self.truth.relevance == COPIES:  # of those that can be read
            return self._copies[0].labels(self.truth.split.database)
        if self.truth.relevance in NEIGHBOUR_RELEVANCES:
            self._neighbours(NEIGHBOUR_RELEVANCES[self.truth.relevance])
        return self.truth.labels

    @cached_property
    def nearest(self) -> NDArray[np.int64] | None:
        """The nearest (q, k) by the cosine of the features themselves; None of edited images."""
        return None if self.truth.relevance == COPIES else self._neighbours(NEIGHBOURS)

    def _neighbours(self, k: int) -> NDArray[np.int64]:
        split = self.truth.split
        return cosine_neighbours(
            self.truth.dataset, split.query, split.database, self._settings, self._cache, k=k
        )


def trained_codec(alternative: Alternative, vectors: Vectors, seed: int) -> Codec:
    """The codec of an alternative, trained on the training images."""
    from pipeline.runs.codecs import signs, train_codec

    train = vectors.rows(vectors.trained_on, alternative)
    if alternative.codec:
        return train_codec(alternative.codec, train[:], seed)
    return signs(train.shape[1])


def encoded(rows: Rows, codec: Codec) -> NDArray[np.uint8] | None:
    """Codes (n, code_bytes); None where they are too large to be kept."""
    is_small = codec.code_bytes < rows.dim
    kept = []
    for start in range(0, rows.shape[0], _BLOCK):
        codes = codec.encode(rows[start : start + _BLOCK])
        if is_small:
            kept.append(codes)
    return np.concatenate(kept) if is_small else None


def scan_s(queries: HashCodes, database: HashCodes) -> float:
    """Seconds of one search by Hamming distance on one core; the fastest of a few."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        ranked(queries[:TIMED_QUERIES], database, 100)
        best = min(best, time.perf_counter() - began)
    return best / len(queries[:TIMED_QUERIES])
