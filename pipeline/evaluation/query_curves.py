"""QueryCurves: precision and recall of every query at every rank and radius, from stored codes.

Kept a query at a time, they give what means alone cannot: intervals over resampled queries, and the
queries behind a point of a curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation import metrics
from pipeline.evaluation.metric_table import rank_grid
from pipeline.evaluation.ranking import Counts

MOST_POINTS = 101  # of a curve: what a chart can draw and a person can see
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QueryCurves:
    """Curves of q queries, ties averaged.

    Attributes:
        ranks: (m,) int, the first N; as in `Curves`.
        precision_at: (q, m) of the first N.
        recall_at: (q, m) of the first N.
        radii: (r,) int, at most `MOST_POINTS` Hamming radii from 0 to K.
        precision_within: (q, r) within a radius; an empty ball counts 0.
        recall_within: (q, r) within a radius.
        is_empty: (q, r) whether nothing lies within a radius.
        average_precision: (q,) AP@R.
    """

    ranks: NDArray[np.int64]
    precision_at: Values
    recall_at: Values
    radii: NDArray[np.int64]
    precision_within: Values
    recall_within: Values
    is_empty: NDArray[np.bool_]
    average_precision: Values


def query_curves(counts: Counts, cutoff: int | None = None) -> QueryCurves:
    """Measure every query.

    Args:
        counts: (q, K + 1, G + 1) of `hamming_histograms`.
        cutoff: R of AP@R; None counts all ranks.
    """
    ranks = rank_grid(int(counts[0].sum()))
    hits = metrics.hits_at(counts, ranks)
    relevant = np.maximum(metrics.relevant_items(counts), 1)[:, None]
    radii = np.unique(np.linspace(0, counts.shape[1] - 1, MOST_POINTS).astype(np.int64))
    balls = metrics.balls(counts)
    return QueryCurves(
        ranks=ranks,
        precision_at=hits / ranks,
        recall_at=hits / relevant,
        radii=radii,
        precision_within=balls.precision[:, radii],
        recall_within=balls.recall[:, radii],
        is_empty=balls.retrieved[:, radii] == 0,
        average_precision=metrics.average_precision(counts, cutoff),
    )
