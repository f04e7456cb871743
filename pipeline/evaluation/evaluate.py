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
from pipeline.evaluation.metric_table import (
    GRADED_RANK,
    METRICS,
    Ranking,
    measure,
    rank_grid,
)
from pipeline.evaluation.neighbours import neighbour_counts
from pipeline.evaluation.ranking import (
    Counts,
    FeatureRows,
    Labels,
    OnProgress,
    cosine_histograms,
    hamming_histograms,
)
from pipeline.evaluation.report import Curves, Evaluation, Report

LEGACY_ORDERS = 5  # random tie orders behind map_legacy


class _PerQuery(NamedTuple):
    """What is kept of each query, query axis first.

    Attributes:
        values: of each metric, by name.
        relevant: (q,) items in the database.
        hits: (q, m) at the grid's ranks.
        legacy: (q, orders), no column where none was drawn.
    """

    values: dict[str, NDArray[np.float64]]
    relevant: NDArray[np.int64]
    hits: NDArray[np.float64]
    legacy: NDArray[np.float64]


def evaluate(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: Labels,
    database_labels: Labels,
    protocol: Protocol,
    *,
    nearest: NDArray[np.int64] | None = None,
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
        nearest: (q, k) positions in the database of each query's nearest by the cosine of the
            features; None: what is measured against them is left out.
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
    kept = None
    if nearest is not None:
        kept = neighbour_counts(query_codes, database_codes, nearest, counts)
    ranking = Ranking(counts, protocol.cutoff, is_hamming=True, neighbour_counts=kept)
    per_query = _measure([ranking], n_database, seed)
    report = Report(
        **_summary(per_query, n_database, protocol, seed),
        bits=query_codes.bits,
        bytes_per_item=database_codes.packed.shape[1],
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
    rankings = (Ranking(counts, protocol.cutoff, is_hamming=False) for counts in blocks)
    per_query = _measure(rankings, n_database, seed)
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


def exclude_label(
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


def _measure(rankings: Iterable[Ranking], n_database: int, seed: int) -> _PerQuery:
    """Measure rankings that are given in blocks of queries."""
    rng = np.random.default_rng(seed)
    parts = []
    for ranking in rankings:
        counts, cutoff = ranking.counts, ranking.cutoff
        if cutoff is None or cutoff >= n_database:  # the denominators agree: nothing to draw
            legacy = np.empty((len(counts), 0))
        else:
            legacy = metrics.legacy_average_precision(counts, cutoff, rng, LEGACY_ORDERS)
        parts.append(_PerQuery(measure(ranking), ranking.relevant, ranking.hits, legacy))
    values, *arrays = zip(*parts, strict=True)
    joined = {name: np.concatenate([part[name] for part in values]) for name in values[0]}
    return _PerQuery(joined, *map(np.concatenate, arrays))


def _summary(
    per_query: _PerQuery, n_database: int, protocol: Protocol, seed: int
) -> dict[str, Any]:
    """The fields of a report that codes and real-valued features have in common."""
    ap = metrics.bootstrap_interval(per_query.values["map"], seed=seed)
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
    per_query: _PerQuery, n_database: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean precision and recall (m,) at the ranks of the grid."""
    precision = per_query.hits / rank_grid(n_database)
    recall = per_query.hits / np.maximum(per_query.relevant, 1)[:, None]
    return precision.mean(axis=0), recall.mean(axis=0)


def _curves(per_query: _PerQuery, n_database: int, counts: Counts) -> Curves:
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
