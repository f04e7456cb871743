"""Measured alternatives: a report each, kept beside the baselines under the same conditions.

Features are read a block of rows at a time. Small codes are kept in memory; where a code has a byte
per value or more, its block is encoded again whenever it is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from models.codes import HashCodes
from models.linear import principal_axes
from pipeline.evaluation.evaluate import evaluate, evaluate_similarities
from pipeline.evaluation.metric_table import NEIGHBOURS
from pipeline.evaluation.ranking import OnProgress, inner_products, ranked, unit_length
from pipeline.evaluation.relevance import COPIES, NEIGHBOUR_RELEVANCES
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.alternatives import ALTERNATIVES, Alternative
from pipeline.runs.baseline_files import baseline_path, keep_baseline, stored_baseline
from pipeline.runs.copies import Copies, copy_features
from pipeline.runs.cosine_neighbours import CentredFeatures, cosine_neighbours, mean_features
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings

if TYPE_CHECKING:  # faiss, which stored reports do without
    from pipeline.runs.codecs import Codec

_TRAINED_ON = 20_000  # images at most: more than faiss takes per centroid
_SCANNED = 20_000  # codes that searches are timed on; the time for more is in proportion
_TIMED_QUERIES = 4
_BLOCK = 8192
_CENTRED = "Features are centred at the mean of the training images and scaled to unit length."


def stored_alternatives(
    truth: GroundTruth, settings: Settings, seed: int = 0
) -> dict[Alternative, Report]:
    """The reports that were measured before, in the order of the table."""
    found = (
        (alternative, stored_baseline(_path(alternative, truth, settings, seed)))
        for alternative in ALTERNATIVES.values()
    )
    return {alternative: report for alternative, report in found if report is not None}


def obstacles(truth: GroundTruth, d: int) -> dict[Alternative, str]:
    """The alternatives that cannot be trained on d-d features, with the reason."""
    reasons = {one: one.obstacle(len(truth.split.train), d) for one in ALTERNATIVES.values()}
    return {alternative: reason for alternative, reason in reasons.items() if reason}


def measure_alternatives(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache,
    *,
    seed: int = 0,
    on_progress: StageProgress = ignore_progress,
) -> dict[Alternative, Report]:
    """Measure what is not stored yet; those with an obstacle are left out.

    Args:
        truth: data set, split and relevance.
        settings: say where reports are kept.
        cache: features of the spec's backbone.
        seed: of clustering and of random rotations.
        on_progress: called with an alternative's name, queries done and queries in all.

    Raises:
        ImageError: an image whose features are missing is gone or has changed.
        LookupError: labels decide, and there are none.
        Cancelled: `on_progress` raises it, to stop between two blocks.
    """
    stored = stored_alternatives(truth, settings, seed)
    vectors = _Vectors(truth, settings, cache)
    left_out = obstacles(truth, cache.backbone.dim)
    reports = {}
    for alternative in ALTERNATIVES.values():
        if alternative in left_out:
            continue
        report = stored.get(alternative)
        if report is None:
            name = alternative.name

            def show(done: int, total: int, name: str = name) -> None:
                on_progress(name, done, total)

            report = _measure(alternative, vectors, seed, show)
            keep_baseline(report, _path(alternative, truth, settings, seed))
        reports[alternative] = report
    return reports


def _path(alternative: Alternative, truth: GroundTruth, settings: Settings, seed: int) -> Path:
    """Path of a report; another codec or another seed is another report."""
    variant = f"{alternative.codec}|{alternative.components}"
    variant += f"|seed {seed}" if seed and alternative.is_seeded else ""
    kind = f"alternative-{alternative.name}"
    return baseline_path(kind, truth, settings, truth.spec.backbone, variant)


@dataclass(frozen=True)
class _UnitRows:
    """Centred features (n, d) of unit length, or their values on some axes (n, k)."""

    centred: CentredFeatures
    axes: NDArray[np.float32] | None

    @property
    def shape(self) -> tuple[int, int]:
        n, d = self.centred.shape
        return n, d if self.axes is None else self.axes.shape[1]

    def __getitem__(self, block: slice) -> NDArray[np.float32]:
        unit = unit_length(self.centred[block])
        return unit if self.axes is None else unit @ self.axes

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, self.shape[0], _BLOCK):
            yield self[start : start + _BLOCK]


@dataclass(frozen=True)
class _Decoded:
    """What a search compares a query with: rows (n, d) that their codes stand for."""

    rows: _UnitRows
    codec: Codec
    codes: NDArray[np.uint8] | None

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows.shape

    def coded(self, block: slice) -> NDArray[np.uint8]:
        return self.codec.encode(self.rows[block]) if self.codes is None else self.codes[block]

    def __getitem__(self, block: slice) -> NDArray[np.float32]:
        return self.codec.decode(self.coded(block), self.shape[1])


class _Vectors:
    """The vectors of all alternatives, from features that are read once per use."""

    def __init__(self, truth: GroundTruth, settings: Settings, cache: FeatureCache) -> None:
        self.truth = truth
        self._features, self._settings, self._cache = cache.get(truth.dataset), settings, cache
        self._mean = mean_features(self._features, truth.split.train)

    def rows(self, images: NDArray[np.int64], components: int = 0) -> _UnitRows:
        """Of some images; their leading principal components where `components` are named."""
        return self._unit(self._features, images, components)

    def queries(self, components: int) -> _UnitRows:
        """Of the queries: those of the split, or edited images where copies are relevant."""
        if self.truth.relevance != COPIES:
            return self.rows(self.truth.split.query, components)
        _, features = self._copies
        return self._unit(features, np.arange(len(features)), components)

    def _unit(
        self, features: NDArray[np.float32], rows: NDArray[np.int64], components: int
    ) -> _UnitRows:
        axes = self._axes[:, :components] if components else None
        return _UnitRows(CentredFeatures(features, rows, self._mean), axes)

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
        train = torch.from_numpy(self.rows(self.trained_on)[:])
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


def _measure(
    alternative: Alternative, vectors: _Vectors, seed: int, on_progress: OnProgress
) -> Report:
    from pipeline.runs.codecs import signs, train_codec

    truth, began = vectors.truth, time.perf_counter()
    train = vectors.rows(vectors.trained_on, alternative.components)
    if alternative.codec:
        codec = train_codec(alternative.codec, train[:], seed)
    else:
        codec = signs(train.shape[1])
    trained = time.perf_counter()
    database = vectors.rows(truth.split.database, alternative.components)
    queries = vectors.queries(alternative.components)
    codes = _encoded(database, codec)
    query_codes = _encoded(queries, codec)  # so that its time is that of all images, as of methods
    timings = {"training_s": trained - began, "encoding_s": time.perf_counter() - trained}
    if alternative.has_bit_query and codes is not None and query_codes is not None:
        bits = HashCodes(query_codes, train.shape[1]), HashCodes(codes, train.shape[1])
        report = evaluate(
            *bits,
            *vectors.labels,
            truth.protocol,
            nearest=vectors.nearest,
            on_progress=on_progress,
        ).report
        timings["search_s"] = _scan_s(*bits)
    else:
        decoded = _Decoded(database, codec, codes)
        report = evaluate_similarities(
            inner_products(queries[:], decoded),
            *vectors.labels,
            truth.protocol,
            bytes_per_item=codec.code_bytes,
            nearest=vectors.nearest,
            on_progress=on_progress,
        ).report
        scanned = decoded.coded(slice(_SCANNED))
        seconds = codec.search_s(scanned, queries[:_TIMED_QUERIES])
        timings["search_s"] = seconds * len(truth.split.database) / len(scanned)
    notes = (_CENTRED, *report.notes)
    return report.model_copy(
        update={"timings": timings, "relevance": truth.relevance, "notes": notes}
    )


def _encoded(rows: _UnitRows, codec: Codec) -> NDArray[np.uint8] | None:
    """Codes (n, code_bytes); None where they are too large to be kept."""
    is_small = codec.code_bytes < rows.centred.shape[1]
    kept = []
    for block in rows.blocks():
        codes = codec.encode(block)
        if is_small:
            kept.append(codes)
    return np.concatenate(kept) if is_small else None


def _scan_s(queries: HashCodes, database: HashCodes) -> float:
    """Seconds of one search by Hamming distance on one core; the fastest of a few."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        ranked(queries[:_TIMED_QUERIES], database, 100)
        best = min(best, time.perf_counter() - began)
    return best / len(queries[:_TIMED_QUERIES])
