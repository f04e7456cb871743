"""What is measured of each query, and the means over queries: report fields and curves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.protocols import Protocol
from pipeline.evaluation import metrics
from pipeline.evaluation.code_statistics import distance_histograms
from pipeline.evaluation.legacy_precision import legacy_average_precision
from pipeline.evaluation.metric_table import (
    GRADED_RANK,
    METRICS,
    WITH_INTERVAL,
    Ranking,
    measure,
    rank_grid,
)
from pipeline.evaluation.ranking import Counts
from pipeline.evaluation.report import Curves

LEGACY_ORDERS = 5  # random tie orders behind map_legacy


class QueryValues(NamedTuple):
    """Values that are kept of each query, query axis first.

    Attributes:
        values: values of each metric, by name.
        relevant: (q,) items in the database.
        hits: (q, m) at the grid's ranks.
        legacy: (q, orders), no column where none was drawn.
    """

    values: dict[str, NDArray[np.float64]]
    relevant: NDArray[np.int64]
    hits: NDArray[np.float64]
    legacy: NDArray[np.float64]


def measure_queries(rankings: Iterable[Ranking], n_database: int, seed: int) -> QueryValues:
    """Measure rankings that are given in blocks of queries."""
    rng = np.random.default_rng(seed)
    parts = []
    for ranking in rankings:
        counts, cutoff = ranking.counts, ranking.cutoff
        if cutoff is None or cutoff >= n_database:  # the denominators agree: nothing to draw
            legacy = np.empty((len(counts), 0))
        else:
            legacy = legacy_average_precision(counts, cutoff, rng, LEGACY_ORDERS)
        parts.append(QueryValues(measure(ranking), ranking.relevant, ranking.hits, legacy))
    values, *arrays = zip(*parts, strict=True)
    joined = {name: np.concatenate([part[name] for part in values]) for name in values[0]}
    return QueryValues(joined, *map(np.concatenate, arrays))


def report_fields(
    per_query: QueryValues, n_database: int, protocol: Protocol, seed: int
) -> dict[str, Any]:
    """The fields of a report that codes and real-valued features have in common."""
    names = ["map", *(name for name in WITH_INTERVAL if name in per_query.values)]
    columns = np.column_stack([per_query.values[name] for name in names])
    intervals = dict(zip(names, metrics.bootstrap_intervals(columns, seed=seed), strict=True))
    ap = intervals.pop("map")
    legacy = per_query.legacy.mean(axis=0)  # (orders,)
    means = {name: float(values.mean()) for name, values in per_query.values.items()}
    without_relevant = int((per_query.relevant == 0).sum())
    return {
        "protocol": protocol,
        "n_query": len(per_query.relevant),
        "n_database": n_database,
        "values": {name: means.get(name) for name in METRICS},
        "ci_low": ap.low,
        "ci_high": ap.high,
        "intervals": {name: (found.low, found.high) for name, found in intervals.items()},
        "map_legacy": float(legacy.mean()) if len(legacy) else ap.mean,
        "map_legacy_spread": float(legacy.std(ddof=1)) if len(legacy) else None,
        "queries_without_relevant": without_relevant,
        "notes": _notes(without_relevant, n_database),
    }


def _notes(without_relevant: int, n_database: int) -> tuple[str, ...]:
    notes = []
    if without_relevant:
        notes.append(f"{without_relevant} queries have no relevant item and score 0.")
    if n_database < GRADED_RANK:
        notes.append(
            f"The database has only {n_database} items; ACG@{GRADED_RANK} counts the others as 0."
        )
    return tuple(notes)


def _rank_means(
    per_query: QueryValues, n_database: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean precision and recall (m,) at the ranks of the grid."""
    precision = per_query.hits / rank_grid(n_database)
    recall = per_query.hits / np.maximum(per_query.relevant, 1)[:, None]
    return precision.mean(axis=0), recall.mean(axis=0)


def mean_curves(per_query: QueryValues, n_database: int, counts: Counts) -> Curves:
    """Means over queries at every rank and within every Hamming radius."""
    precision, recall = _rank_means(per_query, n_database)
    retrieved, hits, ball_precision, ball_recall = metrics.balls(counts)
    n_relevant = int(per_query.relevant.sum())
    same, different = distance_histograms(counts)
    return Curves(
        ranks=rank_grid(n_database),
        precision=precision,
        recall=recall,
        ball_size=retrieved.mean(axis=0),
        ball_empty=(retrieved == 0).mean(axis=0),
        ball_precision=ball_precision.mean(axis=0),
        ball_recall=ball_recall.mean(axis=0),
        ball_precision_micro=hits.sum(axis=0) / np.maximum(retrieved.sum(axis=0), 1),
        ball_recall_micro=hits.sum(axis=0) / max(n_relevant, 1),
        same_distances=same,
        different_distances=different,
        per_query_ap=per_query.values["map"],
    )
