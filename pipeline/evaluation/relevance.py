"""Relevance by shared labels: whether it tells images apart, and how it is without a label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.ranking import Labels


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
