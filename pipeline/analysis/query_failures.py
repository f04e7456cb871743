"""Failures: which queries go wrong, with what they are confused, and why that may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from models.codes import HashCodes
from pipeline.evaluation import metrics
from pipeline.evaluation.metrics import Interval
from pipeline.evaluation.ranking import Counts, Labels, ranked

TOP = 10  # results that a person looks at
RADIUS = 2  # of a hash lookup
FACTS = (
    "ap",  # AP@R in [0, 1], ties averaged
    "hits",  # expected relevant items among the first TOP
    "is_empty",  # nothing at all within RADIUS
    "n_relevant",  # relevant items in the database
    "nearest",  # distance of the nearest item, in bits
    "nearest_relevant",  # distance of the nearest relevant item; -1 where there is none
    "n_tied",  # items at the distance of rank TOP
    "n_wrong_at_zero",  # items with the same code that share no label
)
_RARE = 20  # relevant items, below which a class is rare
_CROWD = 50  # items in the tie at rank TOP, from which chance fills the first page
_MARGIN = 4  # bits between the nearest item and the nearest relevant one that are far


def query_facts(counts: Counts, cutoff: int | None = None) -> pd.DataFrame:
    """Facts about each query; a row per query, columns `FACTS`.

    Args:
        counts: (q, K + 1, G + 1) of `hamming_histograms`.
        cutoff: R of AP@R; None counts all ranks.
    """
    total, relevant = counts.sum(axis=2), counts[:, :, 1:].sum(axis=2)
    has_relevant = relevant.sum(axis=1) > 0
    top = min(TOP, int(counts[0].sum()))
    level = (total.cumsum(axis=1) >= top).argmax(axis=1)  # distance of rank TOP
    return pd.DataFrame(
        {
            "ap": metrics.average_precision(counts, cutoff),
            "hits": metrics.hits_at(counts, [top])[:, 0],
            "is_empty": metrics.ball_is_empty(counts, RADIUS),
            "n_relevant": relevant.sum(axis=1),
            "nearest": (total > 0).argmax(axis=1),
            "nearest_relevant": np.where(has_relevant, (relevant > 0).argmax(axis=1), -1),
            "n_tied": total[np.arange(len(total)), level],
            "n_wrong_at_zero": counts[:, 0, 0],
        },
        columns=list(FACTS),
    )


def wrong_neighbours(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: Labels,
    database_labels: Labels,
    k: int = TOP,
) -> NDArray[np.int64]:
    """Labels of wrong results (q, C): among a query's first k, those without a shared label.

    Ties at the cut go by database position, as on the screen. A result with several labels counts
    for each of them.
    """
    indices, _ = ranked(query_codes, database_codes, k)
    return wrong_results(indices, query_labels, database_labels)


def wrong_results(
    indices: NDArray[np.int64], query_labels: Labels, database_labels: Labels
) -> NDArray[np.int64]:
    """As `wrong_neighbours`, of results (q, k) by their places in the database."""
    result_labels = database_labels[indices]  # (q, k, C)
    is_wrong = (result_labels & query_labels[:, None, :]).sum(axis=2) == 0
    counts: NDArray[np.int64] = (result_labels & is_wrong[:, :, None]).sum(axis=1)
    return counts


def confusion(query_labels: Labels, wrong: NDArray[np.int64]) -> NDArray[np.int64]:
    """Wrong results (C, C): rows are labels of the query, columns labels of what was found."""
    counts: NDArray[np.int64] = query_labels.T.astype(np.int64) @ wrong
    return counts


def causes(facts: pd.Series, wrong: NDArray[np.int64], classes: Sequence[str]) -> list[str]:
    """Possible causes of a failure, in a few words each; empty where nothing stands out.

    Args:
        facts: a row of `query_facts`.
        wrong: (C,) its row of `wrong_neighbours`.
        classes: names of the C labels.
    """
    reasons = []
    if facts["n_relevant"] == 0:
        return ["nothing relevant in the database"]
    if classes and facts["n_relevant"] < _RARE:
        reasons.append(f"rare class (n={int(facts['n_relevant'])})")
    if facts["n_wrong_at_zero"]:
        whose = "of another class" if classes else "that are no neighbours"
        reasons.append(f"same code as {int(facts['n_wrong_at_zero'])} {whose}")
    if facts["nearest_relevant"] - facts["nearest"] >= _MARGIN:
        far = "its class is" if classes else "its neighbours are"
        reasons.append(
            f"{far} far: {int(facts['nearest_relevant'])} bits, nearest image "
            f"{int(facts['nearest'])}"
        )
    if facts["n_tied"] >= _CROWD:
        reasons.append(f"chance: {int(facts['n_tied'])} images tie at rank {TOP}")
    if wrong.sum():
        main = int(wrong.argmax())
        if wrong[main] >= TOP / 2:
            reasons.append(f"mostly taken for {classes[main]}")
        elif (wrong > 0).sum() >= TOP / 2:
            reasons.append(f"no clear class: {int((wrong > 0).sum())} among the wrong results")
    return reasons


def worst_quarter(average_precision: ArrayLike) -> NDArray[np.bool_]:
    """The failures (q,): the quarter of the queries with the lowest AP, at least one."""
    ap = np.asarray(average_precision, np.float64)
    is_failure = np.zeros(len(ap), bool)
    is_failure[np.argsort(ap, kind="stable")[: max(1, len(ap) // 4)]] = True
    return is_failure


def review_sample(is_failure: NDArray[np.bool_], size: int, seed: int = 0) -> NDArray[np.int64]:
    """Places (m,) of failures to be looked at, drawn evenly, in random order; the same each time.

    The order is random too, so that a review that stops early is still a fair sample.
    """
    places = np.flatnonzero(is_failure)
    return np.random.default_rng(seed).permutation(places)[:size]


def corrected_map(
    average_precision: ArrayLike,
    is_failure: NDArray[np.bool_],
    reviewed: NDArray[np.int64],
    is_label_error: NDArray[np.bool_],
    *,
    seed: int = 0,
    resamples: int = 2000,
) -> Interval:
    """The mAP if queries with a wrong label were left out, estimated from a reviewed sample.

    Label errors are looked for among the failures only. Their share p there has a Jeffreys
    posterior, so that "none of 7" is not "none at all"; the interval also holds what another draw
    of queries would change.

    Args:
        average_precision: (q,) AP of all queries.
        is_failure: (q,) the queries that the sample was drawn from.
        reviewed: (m,) places of the failures that have a verdict.
        is_label_error: (m,) whether that was a wrong label.
        seed: seed of the resampling.
        resamples: draws.

    Raises:
        ValueError: nothing was reviewed, or what was is no failure.
    """
    ap = np.asarray(average_precision, np.float64)
    if not len(reviewed):
        raise ValueError("a corrected mAP needs at least one reviewed query, got none")
    if not is_failure[reviewed].all():
        raise ValueError("only failures may be reviewed: the sample stands for them alone")
    n, n_failures = len(ap), int(is_failure.sum())
    errors = ap[reviewed[is_label_error]]
    n_errors, n_reviewed = len(errors), len(reviewed)
    usual = errors if n_errors else ap[is_failure]
    rng = np.random.default_rng(seed)
    share = rng.beta(n_errors + 0.5, n_reviewed - n_errors + 0.5, resamples)
    level = usual[rng.integers(len(usual), size=(resamples, max(n_errors, 1)))].mean(axis=1)
    total = ap[rng.integers(n, size=(resamples, n))].sum(axis=1)
    drawn = (total - n_failures * share * level) / (n - n_failures * share)
    p = n_errors / n_reviewed
    mean = (ap.sum() - n_failures * p * float(usual.mean())) / (n - n_failures * p)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(float(mean), float(min(low, mean)), float(max(high, mean)))
