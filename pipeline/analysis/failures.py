"""Failures of one run: the worst queries, what they are confused with, one in detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_failures import (
    TOP,
    causes,
    confusion,
    query_facts,
    wrong_neighbours,
    wrong_results,
)
from pipeline.evaluation.ranking import ranked
from pipeline.images import ImageError, difference_hash
from pipeline.ingest.near_duplicates import MAX_DISTANCE

if TYPE_CHECKING:  # torch, which rankings by codes do without
    from pipeline.analysis.ranked_run import RankedRun

BY_AP, NONE_IN_TOP, EMPTY, DROP = (
    "Average precision",
    f"None in the first {TOP}",
    "Empty within 2 bits",
    "Biggest drop",
)
_MOST_CLASSES = 16  # of the confusion: rows and columns that a screen can show


@dataclass(frozen=True, eq=False)
class Failures:
    """Failures of a run: facts about each of its queries.

    Attributes:
        facts: a row per query, columns as `pipeline.failures.FACTS`.
        wrong: (q, C) labels of the wrong results among each query's first ones.
        classes: names of the C labels.
        query_labels: (q, C) multi-hot.
        query_rows: (q,) manifest rows.
        first: (q, TOP) places of the first results; None: those by Hamming distance.
    """

    facts: pd.DataFrame
    wrong: NDArray[np.int64]
    classes: tuple[str, ...]
    query_labels: NDArray[np.bool_]
    query_rows: NDArray[np.int64]
    first: NDArray[np.int64] | None = None

    def causes(self, place: int) -> list[str]:
        """Why a query may have failed."""
        return causes(self.facts.iloc[place], self.wrong[place], self.classes)

    def mostly(self, place: int) -> str:
        """The label that most wrong results of a query have; empty where none is wrong."""
        counts = self.wrong[place]
        return self.classes[int(counts.argmax())] if counts.sum() else ""


@dataclass(frozen=True)
class Neighbour:
    """One of the first results of a query."""

    row: int
    distance: int
    is_relevant: bool


def read_failures(run: OpenRun, other: RankedRun | None = None) -> Failures:
    """The facts of all queries of a run; where labels do not decide, none is named.

    Args:
        run: with the queries of the split.
        other: its queries in another ranking; None: by Hamming distance. Facts about distances
            between codes are the same in both.
    """
    facts, first = query_facts(run.counts(), run.cutoff), None
    if other is not None:
        ap, first = other.curves.average_precision, other.first
        facts = facts.assign(ap=ap, hits=other.hits, n_tied=other.n_tied)
    if run.nearest is not None:
        none = np.zeros((len(facts), 0), np.int64)
        return Failures(facts, none, (), none.astype(bool), run.query_rows, first)
    if first is None:
        wrong = wrong_neighbours(
            run.query_codes, run.database_codes, run.query_labels, run.database_labels
        )
    else:
        wrong = wrong_results(first, run.query_labels, run.database_labels)
    return Failures(facts, wrong, run.classes, run.query_labels, run.query_rows, first)


def worst(
    failures: Failures, by: str, other: Failures | None = None, pair: tuple[str, str] | None = None
) -> pd.DataFrame:
    """Queries, worst first: columns place, row, ap, and drop where another run is given.

    Args:
        failures: failures of the run.
        by: one of the orders above; `DROP` needs `other`.
        other: failures of another run; queries that it does not have are left out of `DROP`.
        pair: only queries of the first label with wrong results of the second.
    """
    facts = failures.facts
    table = pd.DataFrame(
        {"place": np.arange(len(facts)), "row": failures.query_rows, "ap": facts["ap"]}
    )
    if other is not None:
        before = pd.Series(other.facts["ap"].to_numpy(), index=other.query_rows)
        table["drop"] = before.reindex(table["row"]).to_numpy() - table["ap"].to_numpy()
    if pair is not None:
        actual, wrong = (failures.classes.index(name) for name in pair)
        table = table[failures.query_labels[:, actual] & (failures.wrong[:, wrong] > 0)]
    if by == NONE_IN_TOP:
        table = table[facts["hits"].loc[table.index] == 0]
    elif by == EMPTY:
        table = table[facts["is_empty"].loc[table.index]]
    elif by == DROP and other is not None:
        return table.dropna(subset=["drop"]).sort_values(
            ["drop", "place"], ascending=[False, True], ignore_index=True
        )
    return table.sort_values(["ap", "place"], ignore_index=True)


def confusion_table(failures: Failures) -> pd.DataFrame:
    """Wrong results by label of the query and of the result: columns query, result, wrong, share.

    The labels with most wrong results only; `share` is of the wrong results of the query's label.
    """
    counts = confusion(failures.query_labels, failures.wrong)
    weight = counts.sum(axis=0) + counts.sum(axis=1)
    kept = np.sort(np.argsort(-weight, kind="stable")[:_MOST_CLASSES])
    rows = [
        (
            failures.classes[actual],
            failures.classes[other],
            int(counts[actual, other]),
            counts[actual, other] / max(int(counts[actual].sum()), 1),
        )
        for actual in kept
        for other in kept
    ]
    return pd.DataFrame(rows, columns=["query", "result", "wrong", "share"])


def confusion_finding(table: pd.DataFrame) -> str:
    """The commonest confusion, in a sentence; empty where nothing is wrong."""
    if table.empty or not table["wrong"].max():
        return ""
    most = table.iloc[int(table["wrong"].argmax())]
    return (
        f"Queries of {most['query']} most often find {most['result']}: {int(most['wrong']):,} "
        f"wrong results among the first {TOP}, {100 * most['share']:.0f} % of theirs."
    )


def neighbours(run: OpenRun, place: int, first: NDArray[np.int64] | None = None) -> list[Neighbour]:
    """The first results of a query, best first; ties go by database position.

    Args:
        run: that finds them.
        place: of the query.
        first: (q, TOP) places of the first results, as `Failures` has them; None: by distance.
    """
    indices, distances = ranked(run.query_codes[place], run.database_codes, TOP)
    if first is not None:
        indices = first[[place]]
        distances = run.query_codes[place].hamming(run.database_codes[indices[0]])
    labels = run.query_labels[place]
    return [
        Neighbour(
            row=int(run.database_rows[item]),
            distance=int(distance),
            is_relevant=bool((run.database_labels[item] & labels).any()),
        )
        for item, distance in zip(indices[0], distances[0], strict=True)
    ]


def nearest_relevant(run: OpenRun, place: int) -> Neighbour | None:
    """The relevant image nearest to a query; None where there is none."""
    relevant = np.flatnonzero((run.database_labels & run.query_labels[place]).any(axis=1))
    if not len(relevant):
        return None
    distances = run.query_codes[place].hamming(run.database_codes[relevant])[0]
    best = int(distances.argmin())
    return Neighbour(int(run.database_rows[relevant[best]]), int(distances[best]), True)


def look_alikes(run: OpenRun, place: int, results: list[Neighbour]) -> list[int]:
    """Manifest rows of wrong results that are nearly the same picture as the query.

    Few images are read, so this is for one query on the screen; unreadable ones are passed over.
    """
    try:
        query_hash = difference_hash(run.dataset.load_image(int(run.query_rows[place])))
    except ImageError:
        return []
    rows = []
    for hit in results:
        if hit.is_relevant:
            continue
        try:
            other = difference_hash(run.dataset.load_image(hit.row))
        except ImageError:
            continue
        if (query_hash ^ other).bit_count() <= MAX_DISTANCE:
            rows.append(hit.row)
    return rows
