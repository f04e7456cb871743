"""What a run finds in another ranking than by Hamming distance, query by query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import NotFittedError, WeightsError
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_failures import TOP
from pipeline.evaluation import metrics
from pipeline.evaluation.metric_table import rank_grid
from pipeline.evaluation.query_curves import QueryCurves
from pipeline.evaluation.ranking import similarity_histograms
from pipeline.features import FeatureCache
from pipeline.images import ImageError
from pipeline.runs.rankings import rank_run
from pipeline.runs.results import RunError
from pipeline.settings import Settings


@dataclass(frozen=True, eq=False)
class RankedRun:
    """The queries of a run in one ranking.

    Attributes:
        curves: precision and recall by rank; a similarity has no radius, so none by radius.
        hits: (q,) expected relevant items among the first `TOP`.
        n_tied: (q,) items as similar as that of rank `TOP`.
        first: (q, TOP) places in the database of the first results; ties by place.
    """

    curves: QueryCurves
    hits: NDArray[np.float64]
    n_tied: NDArray[np.int64]
    first: NDArray[np.int64]


def rank_queries(run: OpenRun, ranking: str, settings: Settings) -> RankedRun:
    """Rank the database for every query of a run again, which takes its model or its features.

    Args:
        run: with the queries of the split.
        ranking: one of `RANKINGS` but the first.
        settings: where features are.

    Raises:
        RunError: model or features are unavailable.
    """
    try:
        cache = FeatureCache(run.run.load_backbone(), settings)
        queries = cache.get(run.dataset, images=run.query_rows)
        ranked = rank_run(
            run.run,
            run.dataset,
            cache,
            ranking,
            (run.query_codes, queries),
            (run.database_codes, run.database_rows),
        )
    except (WeightsError, NotFittedError, ImageError, OSError, RuntimeError, ValueError) as error:
        raise RunError(f"run {run.id} cannot be ranked by {ranking}: {error}") from error
    ranks = rank_grid(len(run.database_rows))
    parts: list[tuple[NDArray[np.generic], ...]] = []
    first = []
    place = 0
    for block in ranked.similarities:
        first.append(np.argsort(-block, axis=1, kind="stable")[:, :TOP])
        labels = run.query_labels[place : place + len(block)]
        for counts, _ in similarity_histograms([block], labels, run.database_labels):
            total = counts.sum(axis=2)
            top = min(TOP, len(run.database_rows))
            level = (total.cumsum(axis=1) >= top).argmax(axis=1)
            parts.append(
                (
                    metrics.hits_at(counts, ranks),
                    metrics.relevant_items(counts),
                    metrics.average_precision(counts, run.cutoff),
                    metrics.hits_at(counts, [top])[:, 0],
                    total[np.arange(len(total)), level],
                )
            )
        place += len(block)
    hits, relevant, ap, top_hits, n_tied = (
        np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    return RankedRun(_curves(ranks, hits, relevant, ap), top_hits, n_tied, np.concatenate(first))


def _curves(
    ranks: NDArray[np.int64],
    hits: NDArray[np.float64],
    relevant: NDArray[np.int64],
    ap: NDArray[np.float64],
) -> QueryCurves:
    nothing = np.zeros((len(ap), 0))
    return QueryCurves(
        ranks=ranks,
        precision_at=hits / ranks,
        recall_at=hits / np.maximum(relevant, 1)[:, None],
        radii=np.zeros(0, np.int64),
        precision_within=nothing,
        recall_within=nothing,
        is_empty=nothing.astype(bool),
        average_precision=ap,
    )
