"""evaluate(): everything HashLens measures about one set of codes, as a Report and its Curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.protocols import Protocol
from pipeline.evaluation import metrics
from pipeline.evaluation.code_statistics import code_statistics, distance_histograms
from pipeline.evaluation.ranking import (
    Counts,
    FeatureRows,
    Labels,
    OnProgress,
    cosine_histograms,
    hamming_histograms,
)
from pipeline.evaluation.report import Curves, Evaluation, Report

REPORT_RANKS = (1, 5, 10, 50, 100, 500, 1000)  # N of precision_at and recall_at
GRADED_RANK = 100  # N of NDCG and ACG
RADIUS = 2  # Hamming radius of hash lookup
LEGACY_ORDERS = 5  # random tie orders behind map_legacy


class _PerQuery(NamedTuple):
    """Measures of each query, query axis first."""

    ap: NDArray[np.float64]
    worst: NDArray[np.float64]
    best: NDArray[np.float64]
    wap: NDArray[np.float64]
    ndcg: NDArray[np.float64]
    acg: NDArray[np.float64]
    relevant: NDArray[np.int64]
    hits: NDArray[np.float64]  # (q, m) at the grid's ranks
    legacy: NDArray[np.float64]  # (q, orders), no column if not drawn


def evaluate(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: Labels,
    database_labels: Labels,
    protocol: Protocol,
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Measure a Hamming ranking of the database for every query.

    Args:
        query_codes: q codes of K bits.
        database_codes: n codes of K bits.
        query_labels: (q, C) multi-hot.
        database_labels: (n, C) multi-hot.
        protocol: gives the cutoff R, and is stored in the report.
        seed: of the bootstrap and of the legacy tie orders; nothing else is random.
        on_progress: called with (queries done, q).

    Raises:
        ValueError: a set is empty, or codes and labels do not fit each other.
    """
    _check("query codes", len(query_codes), query_labels)
    _check("database codes", len(database_codes), database_labels)
    _check_classes(query_labels, database_labels)
    counts = hamming_histograms(
        query_codes, database_codes, query_labels, database_labels, on_progress=on_progress
    )
    n_database = len(database_codes)
    per_query = _measure([counts], n_database, protocol, seed)
    report = Report(
        **_summary(per_query, n_database, protocol, seed),
        bits=query_codes.bits,
        bytes_per_item=database_codes.packed.shape[1],
        precision_radius_2=float(metrics.ball_precision(counts, RADIUS).mean()),
        empty_radius_2=float(metrics.ball_is_empty(counts, RADIUS).mean()),
        lookup_success=float(metrics.lookup_succeeds(counts, RADIUS).mean()),
        codes=code_statistics(database_codes),
    )
    return Evaluation(report, _curves(per_query, n_database, counts))


def evaluate_cosine(
    query_features: NDArray[np.floating[Any]],
    database_features: FeatureRows,
    query_labels: Labels,
    database_labels: Labels,
    protocol: Protocol,
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Measure the cosine ranking of real-valued features: the row that codes are compared with.

    Args:
        query_features: (q, d).
        database_features: (n, d), of which a block is in memory at a time.
        query_labels: (q, C) multi-hot.
        database_labels: (n, C) multi-hot.
        protocol: as for `evaluate`.
        seed: as for `evaluate`.
        on_progress: called with (queries done, q).

    Raises:
        ValueError: a set is empty, features and labels do not fit each other, or a feature is NaN.
    """
    for name, features, labels in (
        ("query features", query_features, query_labels),
        ("database features", database_features, database_labels),
    ):
        if len(features.shape) != 2:
            raise ValueError(f"{name} must have shape (n, d), got {features.shape}")
        _check(name, features.shape[0], labels)
    if query_features.shape[1] != database_features.shape[1]:
        raise ValueError(
            f"query features have {query_features.shape[1]} dimensions but database features have "
            f"{database_features.shape[1]}; take both from the same backbone"
        )
    _check_classes(query_labels, database_labels)
    blocks = cosine_histograms(query_features, database_features, query_labels, database_labels)
    n_database, dimensions = database_features.shape
    if on_progress is not None:
        blocks = _reported(blocks, len(query_features), on_progress)
    per_query = _measure(blocks, n_database, protocol, seed)
    report = Report(
        **_summary(per_query, n_database, protocol, seed),
        bits=None,
        bytes_per_item=dimensions * np.dtype(np.float32).itemsize,
    )
    no_distances = np.zeros((1, 0, 2), np.int64)
    return Evaluation(report, _curves(per_query, n_database, no_distances))


def _reported(blocks: Iterable[Counts], total: int, on_progress: OnProgress) -> Iterator[Counts]:
    """The same blocks, with the queries done reported after each."""
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        on_progress(done, total)


def all_relevant(query_labels: Labels, database_labels: Labels) -> bool:
    """Whether every item shares a label with every query, so that any order would be perfect.

    Args:
        query_labels: (q, C) multi-hot.
        database_labels: (n, C) multi-hot.
    """
    queries, items = (np.unique(labels, axis=0) for labels in (query_labels, database_labels))
    return bool((queries.astype(np.int32) @ items.T.astype(np.int32) > 0).all())


def leave_out(
    label: int, query_labels: Labels, database_labels: Labels
) -> tuple[NDArray[np.bool_], Labels, Labels]:
    """Labels as if one of them did not exist, for relevance that a frequent label would swamp.

    Returns:
        Which queries have a label left (q,), the labels of those (q', C - 1), and those of the
        database (n, C - 1), whose items all stay.
    """
    queries, database = (
        np.delete(labels, label, axis=1) for labels in (query_labels, database_labels)
    )
    kept: NDArray[np.bool_] = queries.sum(axis=1) > 0
    return kept, queries[kept], database


def rank_grid(n_database: int) -> NDArray[np.int64]:
    """At most 101 ranks from 1 to n, roughly logarithmic, with `REPORT_RANKS` among them."""
    grid = np.rint(np.geomspace(1, n_database, 101 - len(REPORT_RANKS))).astype(np.int64)
    return np.union1d(grid, [rank for rank in REPORT_RANKS if rank <= n_database])


def _measure(blocks: Iterable[Counts], n_database: int, protocol: Protocol, seed: int) -> _PerQuery:
    """All per-query measures of ranking histograms given in blocks of queries."""
    rng = np.random.default_rng(seed)
    cutoff, ranks = protocol.cutoff, rank_grid(n_database)

    def legacy(counts: Counts) -> NDArray[np.float64]:
        if cutoff is None or cutoff >= n_database:  # the denominators agree: nothing to draw
            return np.empty((len(counts), 0))
        return metrics.legacy_average_precision(counts, cutoff, rng, LEGACY_ORDERS)

    parts = [
        _PerQuery(
            metrics.average_precision(counts, cutoff),
            *metrics.average_precision_bounds(counts, cutoff),
            metrics.weighted_average_precision(counts, cutoff),
            metrics.ndcg_at(counts, GRADED_RANK),
            metrics.acg_at(counts, GRADED_RANK),
            metrics.relevant_items(counts),
            metrics.hits_at(counts, ranks),
            legacy(counts),
        )
        for counts in blocks
    ]
    return _PerQuery(*map(np.concatenate, zip(*parts, strict=True)))


def _summary(
    per_query: _PerQuery, n_database: int, protocol: Protocol, seed: int
) -> dict[str, Any]:
    """The fields of a report that codes and real-valued features have in common."""
    ap = metrics.bootstrap_interval(per_query.ap, seed=seed)
    legacy = per_query.legacy.mean(axis=0)  # (orders,)
    precision, recall = _rank_means(per_query, n_database)
    chosen = [(i, int(n)) for i, n in enumerate(rank_grid(n_database)) if n in REPORT_RANKS]
    without_relevant = int((per_query.relevant == 0).sum())
    return {
        "protocol": protocol,
        "n_query": len(per_query.ap),
        "n_database": n_database,
        "map": ap.mean,
        "ci_low": ap.low,
        "ci_high": ap.high,
        "map_worst": float(per_query.worst.mean()),
        "map_best": float(per_query.best.mean()),
        "map_legacy": float(legacy.mean()) if len(legacy) else ap.mean,
        "map_legacy_spread": float(legacy.std(ddof=1)) if len(legacy) else None,
        "precision_at": {rank: float(precision[i]) for i, rank in chosen},
        "recall_at": {rank: float(recall[i]) for i, rank in chosen},
        "ndcg_at_100": float(per_query.ndcg.mean()),
        "acg_at_100": float(per_query.acg.mean()),
        "wap": float(per_query.wap.mean()),
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
    per_query: _PerQuery, n_database: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean precision and recall (m,) at the ranks of the grid."""
    precision = per_query.hits / rank_grid(n_database)
    recall = per_query.hits / np.maximum(per_query.relevant, 1)[:, None]
    return precision.mean(axis=0), recall.mean(axis=0)


def _curves(per_query: _PerQuery, n_database: int, counts: Counts) -> Curves:
    precision, recall = _rank_means(per_query, n_database)
    retrieved, hits = metrics.balls(counts)
    relevant = metrics.relevant_items(counts)
    same, different = distance_histograms(counts)
    return Curves(
        ranks=rank_grid(n_database),
        precision=precision,
        recall=recall,
        ball_size=retrieved.mean(axis=0),
        ball_empty=(retrieved == 0).mean(axis=0),
        ball_precision=(hits / np.maximum(retrieved, 1)).mean(axis=0),
        ball_recall=(hits / np.maximum(relevant, 1)[:, None]).mean(axis=0),
        ball_precision_micro=hits.sum(axis=0) / np.maximum(retrieved.sum(axis=0), 1),
        ball_recall_micro=hits.sum(axis=0) / max(int(relevant.sum()), 1),
        same_distances=same,
        different_distances=different,
        per_query_ap=per_query.ap,
    )


def _check(name: str, n: int, labels: Labels) -> None:
    """Raise unless `n` items called `name` are there and have usable labels."""
    if n == 0:
        raise ValueError(f"there are no {name}; the split leaves this set empty")
    if labels.dtype != np.bool_ or labels.ndim != 2 or labels.shape[1] == 0:
        raise ValueError(
            f"labels of {name} must be bool (n, classes), got {labels.dtype} {labels.shape}"
        )
    if len(labels) != n:
        raise ValueError(f"{n} {name} need {n} rows of labels, got {len(labels)}")


def _check_classes(query_labels: Labels, database_labels: Labels) -> None:
    if query_labels.shape[1] != database_labels.shape[1]:
        raise ValueError(
            f"query labels have {query_labels.shape[1]} classes but database labels have "
            f"{database_labels.shape[1]}; take both from one label matrix"
        )
