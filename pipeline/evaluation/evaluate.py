"""evaluate(): everything HashLens measures about one set of codes, as a Report and its Curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.datasets.protocols import Protocol
from pipeline.evaluation.code_statistics import code_statistics
from pipeline.evaluation.metric_table import Ranking
from pipeline.evaluation.neighbours import neighbour_counts
from pipeline.evaluation.query_values import mean_curves, measure_queries, report_fields
from pipeline.evaluation.ranking import (
    Counts,
    FeatureRows,
    Labels,
    OnProgress,
    Similarities,
    cosine_similarities,
    hamming_histograms,
    similarity_histograms,
)
from pipeline.evaluation.report import Evaluation, Report


def evaluate(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: Labels,
    database_labels: Labels,
    protocol: Protocol,
    *,
    nearest: NDArray[np.int64] | None = None,
    seed: int = 0,
    threads: int = 2,
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
        seed: seed of the bootstrap and of the legacy tie orders; nothing else is random.
        threads: queries are shared out among this many.
        on_progress: called with (queries done, q).

    Raises:
        ValueError: a set is empty, or codes and labels do not fit each other.
    """
    _check("query codes", len(query_codes), query_labels)
    _check("database codes", len(database_codes), database_labels)
    _check_classes(query_labels, database_labels)
    counts = hamming_histograms(
        query_codes,
        database_codes,
        query_labels,
        database_labels,
        threads=threads,
        on_progress=on_progress,
    )
    n_database = len(database_codes)
    kept = None
    if nearest is not None:
        kept = neighbour_counts(query_codes, database_codes, nearest, counts)
    ranking = Ranking(counts, protocol.cutoff, is_hamming=True, neighbour_counts=kept)
    per_query = measure_queries([ranking], n_database, seed)
    report = Report(
        **report_fields(per_query, n_database, protocol, seed),
        bits=query_codes.bits,
        bytes_per_item=database_codes.packed.shape[1],
        codes=code_statistics(database_codes),
    )
    return Evaluation(report, mean_curves(per_query, n_database, counts), per_query.values)


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
        protocol: gives the cutoff R, and is stored in the report.
        seed: seed of the bootstrap and of the legacy tie orders.
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
    return evaluate_similarities(
        cosine_similarities(query_features, database_features),
        query_labels,
        database_labels,
        protocol,
        bytes_per_item=database_features.shape[1] * np.dtype(np.float32).itemsize,
        seed=seed,
        on_progress=on_progress,
    )


def evaluate_similarities(
    similarities: Iterable[Similarities],
    query_labels: Labels,
    database_labels: Labels,
    protocol: Protocol,
    *,
    bytes_per_item: int,
    nearest: NDArray[np.int64] | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Measure a ranking by real values, the most similar first.

    Args:
        similarities: (b, n) of successive queries to the database, q in all.
        query_labels: (q, C) multi-hot.
        database_labels: (n, C) multi-hot.
        protocol: gives the cutoff R, and is stored in the report.
        bytes_per_item: of what a search reads of each item.
        nearest: as for `evaluate`.
        seed: seed of the bootstrap and of the legacy tie orders.
        on_progress: called with (queries done, q).

    Raises:
        ValueError: a set is empty, labels do not fit each other, or a similarity is NaN.
    """
    _check("queries", len(query_labels), query_labels)
    _check("database items", len(database_labels), database_labels)
    _check_classes(query_labels, database_labels)
    n_query, n_database = len(query_labels), len(database_labels)
    blocks = similarity_histograms(similarities, query_labels, database_labels, nearest=nearest)
    if on_progress is not None:
        blocks = _reported(blocks, n_query, on_progress)
    rankings = (
        Ranking(counts, protocol.cutoff, is_hamming=False, neighbour_counts=neighbours)
        for counts, neighbours in blocks
    )
    per_query = measure_queries(rankings, n_database, seed)
    report = Report(
        **report_fields(per_query, n_database, protocol, seed),
        bits=None,
        bytes_per_item=bytes_per_item,
    )
    no_distances = np.zeros((1, 0, 2), np.int64)
    return Evaluation(report, mean_curves(per_query, n_database, no_distances), per_query.values)


def _reported(
    blocks: Iterator[tuple[Counts, Counts | None]], total: int, on_progress: OnProgress
) -> Iterator[tuple[Counts, Counts | None]]:
    """Pass the blocks on, and report the queries done after each."""
    done = 0
    for block in blocks:
        yield block
        done += len(block[0])
        on_progress(done, total)


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
