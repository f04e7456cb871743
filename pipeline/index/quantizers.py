"""The database's own quantizers on the features of a data set: quality, bytes, build and search.

What a user would pick instead of a hash method, measured in the engine that the settings name: the
same queries and images for every quantizer, all vectors scanned, nothing rescored. Kept in

    baselines/quantizers-<most queries>-<most images>-<key>.json
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.bootstrap import band, resampled_counts
from pipeline.evaluation.metric_table import NEIGHBOURS, Ranking, measure
from pipeline.evaluation.neighbours import nearest_by_cosine
from pipeline.evaluation.ranking import similarity_histograms, unit_length
from pipeline.evaluation.relevance import LABELS
from pipeline.features import FeatureCache
from pipeline.files import write_atomic
from pipeline.index.quantizer_report import QuantizerReport, QuantizerRow
from pipeline.index.store.base import StoreError, StoreUnavailable
from pipeline.index.store.quantizers import QUANTIZERS, Quantizer
from pipeline.index.store.vectors import VectorCollection, vector_client, vector_collection
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.baseline_files import baseline_path
from pipeline.runs.cosine_neighbours import mean_features
from pipeline.runs.ground_truth import GroundTruth
from pipeline.settings import Settings
from pipeline.sums import read_checked
from pipeline.wording import sentence

N_QUERIES, N_IMAGES = 250, 20_000  # most that are drawn
_VALUES = ("map", "precision_at_10", "ndcg_at_100", "neighbours_at_10")
_FEWEST_FOR_PRODUCT = 256  # vectors that its 256 centroids need
_log = logging.getLogger(__name__)


def stored_quantizers(truth: GroundTruth, settings: Settings) -> QuantizerReport | None:
    """What `measure_quantizers` has kept of the usual sample; None where nothing can be read."""
    path = _path(truth, settings, N_QUERIES, N_IMAGES)
    try:
        return QuantizerReport.model_validate_json(read_checked(path).decode())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("the quantizers in %s cannot be read: %s", path, sentence(error))
        return None


def measure_quantizers(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache,
    on_progress: Progress = ignore_progress,
    *,
    n_query: int = N_QUERIES,
    n_database: int = N_IMAGES,
) -> QuantizerReport:
    """Measure every quantizer on raw and on centred features, and keep the report.

    Args:
        truth: images, split and relevance.
        settings: engine, and where the report is kept.
        cache: features of the backbone.
        on_progress: called with quantizers done and in all.
        n_query: most queries, drawn evenly with a fixed seed.
        n_database: most images of the database, likewise.

    Raises:
        StoreError: the engine fails, or compresses no vectors.
        LookupError: there is no such relevance of these images.
        ImageError: features are missing and an image cannot be read.
    """
    sample = _Sample.of(truth, cache, n_query, n_database)
    left_out: dict[str, str] = {}
    rows = tuple(_rows(sample, settings, left_out, on_progress))
    if not rows:
        raise StoreError(f"no quantizer could be measured: {next(iter(left_out.values()))}")
    report = QuantizerReport(
        backbone=truth.spec.backbone,
        dimensions=sample.queries.shape[1],
        relevant=truth.key or LABELS,
        protocol=truth.protocol.name,
        n_query=len(sample.queries),
        n_database=len(sample.items),
        n_all=(len(truth.split.query), len(truth.split.database)),
        engine=settings.qdrant_url or "embedded",
        rows=rows,
        left_out=left_out,
    )
    path = _path(truth, settings, n_query, n_database)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, report.model_dump_json(indent=2))
    return report


def _rows(
    sample: _Sample, settings: Settings, left_out: dict[str, str], on_progress: Progress
) -> Iterator[QuantizerRow]:
    """A row for each quantizer that can be measured; why others cannot goes into `left_out`."""
    jobs = [(quantizer, is_centred) for is_centred in (False, True) for quantizer in QUANTIZERS]
    with vector_client(settings) as client:
        for done, (quantizer, is_centred) in enumerate(jobs):
            on_progress(done, len(jobs))
            queries, items = sample.vectors(is_centred=is_centred)
            if quantizer.is_product and len(items) < _FEWEST_FOR_PRODUCT:
                left_out[quantizer.name] = (
                    f"its {_FEWEST_FOR_PRODUCT} centroids need as many images, there are "
                    f"{len(items)}"
                )
                continue
            try:
                with vector_collection(client, items, quantizer.config) as collection:
                    row = _row(quantizer, collection, queries, sample)
            except StoreUnavailable:
                raise
            except (StoreError, NotImplementedError) as error:
                left_out[quantizer.name] = sentence(error)
                continue
            yield row.model_copy(update={"is_centred": is_centred})
        on_progress(len(jobs), len(jobs))


@dataclass(frozen=True, eq=False)
class _Sample:
    """Queries (q, d) and items (n, d) as they are, their labels, the mean (d,) and neighbours."""

    queries: NDArray[np.float32]
    items: NDArray[np.float32]
    labels: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    mean: NDArray[np.float32]
    nearest: NDArray[np.int64]

    @classmethod
    def of(cls, truth: GroundTruth, cache: FeatureCache, n_query: int, n_database: int) -> _Sample:
        features, split = cache.get(truth.dataset), truth.split
        mean = mean_features(features, split.train)
        chosen = [
            np.sort(np.random.default_rng(0).permutation(n)[:most])
            for n, most in ((len(split.query), n_query), (len(split.database), n_database))
        ]
        query_labels, database_labels = truth.labels
        queries = np.array(features[split.query[chosen[0]]])
        items = np.array(features[split.database[chosen[1]]])
        nearest = nearest_by_cosine(queries - mean, items - mean, NEIGHBOURS)
        labels = query_labels[chosen[0]], database_labels[chosen[1]]
        return cls(queries, items, labels, mean, nearest)

    def vectors(self, *, is_centred: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of unit length: the engine takes very short vectors for zero, and leaves them so."""
        mean = self.mean if is_centred else np.float32(0)
        return unit_length(self.queries - mean), unit_length(self.items - mean)


def _row(
    quantizer: Quantizer,
    collection: VectorCollection,
    queries: NDArray[np.float32],
    sample: _Sample,
) -> QuantizerRow:
    per_query = [
        dict(zip(_VALUES, values, strict=True)) for values in _measured(collection, queries, sample)
    ]
    aps = np.array([values["map"] for values in per_query])
    low, high = band(aps[:, None], resampled_counts(len(aps)))
    began = time.perf_counter()
    for query in queries:
        collection.nearest(query, NEIGHBOURS)
    search_ms = 1000 * (time.perf_counter() - began) / len(queries)
    return QuantizerRow(
        quantizer=quantizer.name,
        bytes=collection.bytes_on_disk,
        values={name: float(np.mean([one[name] for one in per_query])) for name in _VALUES},
        ci_low=float(low[0]),
        ci_high=float(high[0]),
        search_ms=search_ms,
        build_s=collection.build_s,
    )


def _measured(
    collection: VectorCollection, queries: NDArray[np.float32], sample: _Sample
) -> Iterator[tuple[float, ...]]:
    """The values of `_VALUES` of each query."""
    query_labels, database_labels = sample.labels
    for place, query in enumerate(queries):
        this = slice(place, place + 1)
        [(counts, kept)] = similarity_histograms(
            [collection.scores(query)[None]],
            query_labels[this],
            database_labels,
            nearest=sample.nearest[this],
        )
        values = measure(Ranking(counts, None, is_hamming=False, neighbour_counts=kept))
        yield tuple(float(values[name][0]) if name in values else np.nan for name in _VALUES)


def _path(truth: GroundTruth, settings: Settings, n_query: int, n_database: int) -> Path:
    kind = f"quantizers-{n_query}-{n_database}"  # a smaller sample does not replace a larger one
    return baseline_path(kind, truth, settings, truth.spec.backbone)
