"""What is relevant to a query: images that share a label, its nearest by cosine, or its original.

Neighbours by cosine measure fidelity to the features, not meaning: a small backbone can be
faithfully wrong. They are there for every collection, labels are not. Copies have queries of their
own, edited images of the database: they measure whether the same thing is found, not its kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.wording import unknown
from pipeline.evaluation.ranking import Labels

LABELS = "labels"
NEIGHBOUR_RELEVANCES = {"neighbours@10": 10, "neighbours@100": 100}
COPIES = "copies"
OF_QUERIES = (LABELS, *NEIGHBOUR_RELEVANCES)  # the first that tells images apart is the default
RELEVANCES = (*OF_QUERIES, COPIES)


def check_relevance(relevance: str) -> None:
    """Refuse a relevance that there is not.

    Raises:
        ValueError: it is unknown; the message lists those that are known.
    """
    if relevance not in RELEVANCES:
        raise ValueError(unknown("relevance", relevance, RELEVANCES))


def in_words(relevance: str, label_set: str = "") -> str:
    """A relevance for people: the label set, how many nearest images, or the original.

    Args:
        relevance: one of `RELEVANCES`.
        label_set: its name, where labels decide.
    """
    if relevance == LABELS:
        return label_set
    if relevance == COPIES:
        return "the original of an edited image"
    return f"the {NEIGHBOUR_RELEVANCES[relevance]} nearest by the features' cosine"


def meaning(relevance: str) -> str:
    """What numbers by a relevance do not say, in a sentence; empty for labels."""
    if relevance == LABELS:
        return ""
    if relevance == COPIES:
        return (
            "This measures whether the same image is found again, not others of its kind: methods "
            "that are good at one are often poor at the other."
        )
    return (
        "This measures fidelity to the features, not meaning: methods that keep most neighbours "
        "are often not those that labels would put first."
    )


def neighbour_labels(nearest: NDArray[np.int64], n_database: int) -> tuple[Labels, Labels]:
    """Neighbours as labels: each query is a class of its own, which its neighbours share.

    Args:
        nearest: (q, k) positions in the database.
        n_database: n, items in the database.

    Returns:
        (q, q) labels of the queries and (n, q) labels of the items.
    """
    n_query = len(nearest)
    items = np.zeros((n_database, n_query), bool)
    items[nearest, np.arange(n_query)[:, None]] = True
    return np.eye(n_query, dtype=bool), items


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
