"""The metrics: one entry each, read by reports, command line, tables, pages and documents.

Adding a metric is an entry of `METRICS` and its test; the table in docs/evaluation.md is generated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation import metrics
from pipeline.evaluation.ranking import Counts

Values = NDArray[np.float64]
Unit = Literal["%", "labels", "rank"]
Table = Literal["bench", "leaderboard"]

REPORT_RANKS = (1, 5, 10, 50, 100, 500, 1000)  # N of P@N and R@N
GRADED_RANK = 100  # N of NDCG and ACG
NEIGHBOURS = 10  # nearest by cosine that codes should keep
RADIUS = 2  # Hamming radius of hash lookup
WITH_INTERVAL = ("precision_at_10", "ndcg_at_100", "neighbours_at_10")  # beside mAP


@dataclass(frozen=True, eq=False)
class Ranking:
    """The rankings of some queries, as metrics see them.

    Attributes:
        counts: (q, levels, G + 1) items at each level, by number of labels shared with the query.
        cutoff: R of the protocol; None counts all ranks.
        is_hamming: whether a level is a Hamming distance; else it is a similarity of features.
        neighbour_counts: (q, levels, 2) items at each level: the others, and the `NEIGHBOURS`
            nearest by the cosine of the features; None where these are not known.
    """

    counts: Counts
    cutoff: int | None
    is_hamming: bool
    neighbour_counts: Counts | None = None

    @property
    def n_database(self) -> int:
        """Number of items that are ranked."""
        return int(self.counts[0].sum())

    @cached_property
    def relevant(self) -> NDArray[np.int64]:
        """R_q (q,): relevant items in the database."""
        return metrics.relevant_items(self.counts)

    @cached_property
    def hits(self) -> Values:
        """Relevant items (q, m) among the first N, for each N of `rank_grid`."""
        return metrics.hits_at(self.counts, rank_grid(self.n_database))

    @cached_property
    def bounds(self) -> tuple[Values, Values]:
        """Worst and best AP@R (q,) over all orders of ties."""
        return metrics.average_precision_bounds(self.counts, self.cutoff)

    def hits_at(self, rank: int) -> Values | None:
        """Relevant items (q,) among the first `rank` of `REPORT_RANKS`; None beyond the end."""
        place = np.flatnonzero(rank_grid(self.n_database) == rank)
        return self.hits[:, place[0]] if len(place) else None


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, how it is read, and how it is computed.

    Attributes:
        name: key of stored reports and column of tables.
        title: name for people, short enough for the head of a column.
        unit: `%` for values in [0, 1] that are shown as percent, `labels` for a number of labels,
            `rank` for a place from 1.
        better: which of two values is the better one.
        help: the definition, a sentence.
        function: (q,) values of a ranking; None where the ranking has no such value.
        tables: the tables that have it as a column; reports have all metrics.
    """

    name: str
    title: str
    unit: Unit
    better: Literal["higher", "lower"]
    help: str
    function: Callable[[Ranking], Values | None]
    tables: tuple[Table, ...] = ()

    @property
    def factor(self) -> int:
        """Factor from the stored value to the one that is shown."""
        return 100 if self.unit == "%" else 1

    @property
    def heading(self) -> str:
        """Title with the unit, for text tables."""
        return f"{self.title} %" if self.unit == "%" else self.title

    @property
    def digits(self) -> int:
        """Decimals that are shown."""
        return 3 if self.unit == "labels" else 1

    def text(self, value: float | None) -> str:
        """A value in its unit, without the unit; empty where nothing was measured."""
        if value is None or np.isnan(value):
            return ""
        return f"{self.factor * value:.{self.digits}f}"


def measure(ranking: Ranking) -> dict[str, Values]:
    """The values (q,) of every metric that the ranking has, by name."""
    measured = {metric.name: metric.function(ranking) for metric in METRICS.values()}
    return {name: values for name, values in measured.items() if values is not None}


def columns(table: Table) -> tuple[Metric, ...]:
    """The metrics that a table shows, in its order."""
    return tuple(metric for metric in METRICS.values() if table in metric.tables)


def metrics_document() -> str:
    """All metrics as a table in Markdown."""
    lines = [
        f"| {metric.title} | `{metric.name}` | {metric.help} | {metric.unit} | {metric.better} |"
        for metric in METRICS.values()
    ]
    return "\n".join(
        [
            "| metric | name | definition | unit | better |",
            "| --- | --- | --- | --- | --- |",
            *lines,
        ]
    )


def rank_grid(n_database: int) -> NDArray[np.int64]:
    """Ranks from 1 to n, at most 101, roughly logarithmic, with `REPORT_RANKS` among them."""
    grid = np.rint(np.geomspace(1, n_database, 101 - len(REPORT_RANKS))).astype(np.int64)
    return np.union1d(grid, [rank for rank in REPORT_RANKS if rank <= n_database])


def _within_radius(
    function: Callable[[Counts, int], NDArray[np.generic]],
) -> Callable[[Ranking], Values | None]:
    """A function of the items within `RADIUS` bits; rankings of features have no radius."""

    def values(ranking: Ranking) -> Values | None:
        if not ranking.is_hamming:
            return None
        return np.asarray(function(ranking.counts, RADIUS), np.float64)

    return values


def _precision(rank: int) -> Metric:
    def values(ranking: Ranking) -> Values | None:
        hits = ranking.hits_at(rank)
        return None if hits is None else hits / rank

    text = f"Relevant items among the first {rank:,}, divided by {rank:,}."
    tables: tuple[Table, ...] = ("bench", "leaderboard") if rank in (10, 100) else ()
    return Metric(f"precision_at_{rank}", f"P@{rank}", "%", "higher", text, values, tables)


def _recall(rank: int) -> Metric:
    def values(ranking: Ranking) -> Values | None:
        hits = ranking.hits_at(rank)
        return None if hits is None else hits / np.maximum(ranking.relevant, 1)

    text = f"Relevant items among the first {rank:,}, divided by R_q."
    tables: tuple[Table, ...] = ("leaderboard",) if rank in (1, 10) else ()
    return Metric(f"recall_at_{rank}", f"R@{rank}", "%", "higher", text, values, tables)


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "map",
            "mAP",
            "%",
            "higher",
            "Mean over queries of AP@R: the sum of rel(i) · P@i over i ≤ R, divided by "
            "min(R_q, R).",
            lambda ranking: metrics.average_precision(ranking.counts, ranking.cutoff),
            ("bench", "leaderboard"),
        ),
        Metric(
            "map_worst",
            "mAP, worst ties",
            "%",
            "higher",
            "mAP if every tie were ordered for the worst.",
            lambda ranking: ranking.bounds[0],
        ),
        Metric(
            "map_best",
            "mAP, best ties",
            "%",
            "higher",
            "mAP if every tie were ordered for the best.",
            lambda ranking: ranking.bounds[1],
        ),
        *(_precision(rank) for rank in REPORT_RANKS),
        Metric(
            "neighbours_at_10",
            "Neighbours@10",
            "%",
            "higher",
            "The 10 nearest by the cosine of the features that are among the first 10, divided by "
            "10: fidelity to the features, whatever the labels say.",
            lambda ranking: (
                None
                if ranking.neighbour_counts is None
                else metrics.recall_at(ranking.neighbour_counts, [10])[:, 0]
            ),
            ("bench", "leaderboard"),
        ),
        Metric(
            "precision_radius_2",
            "P@H≤2",
            "%",
            "higher",
            "Share of relevant items among those within 2 bits; a query with none there counts 0.",
            _within_radius(metrics.ball_precision),
            ("leaderboard",),
        ),
        Metric(
            "empty_radius_2",
            "No result within 2 bits",
            "%",
            "lower",
            "Share of queries with nothing within 2 bits.",
            _within_radius(metrics.ball_is_empty),
            ("leaderboard",),
        ),
        Metric(
            "lookup_success",
            "Success within 2 bits",
            "%",
            "higher",
            "Share of queries with at least one relevant item within 2 bits.",
            _within_radius(metrics.lookup_succeeds),
            ("leaderboard",),
        ),
        Metric(
            "ndcg_at_100",
            "NDCG@100",
            "%",
            "higher",
            "Sum of (2^G(i) − 1) / log2(1 + i) over the first 100 ranks, divided by that of the "
            "ideal order.",
            lambda ranking: metrics.ndcg_at(ranking.counts, GRADED_RANK),
            ("bench", "leaderboard"),
        ),
        Metric(
            "acg_at_100",
            "ACG@100",
            "labels",
            "higher",
            "Mean of G(i) over the first 100 ranks; not bounded by 1.",
            lambda ranking: metrics.acg_at(ranking.counts, GRADED_RANK),
            ("bench",),
        ),
        Metric(
            "wap",
            "WAP",
            "labels",
            "higher",
            "As AP@R, with the mean of G over ranks 1 to i in place of P@i; equals mAP where "
            "images have one label.",
            lambda ranking: metrics.weighted_average_precision(ranking.counts, ranking.cutoff),
        ),
        *(_recall(rank) for rank in REPORT_RANKS),
        Metric(
            "r_precision",
            "R-precision",
            "%",
            "higher",
            "Relevant items among the first R_q, divided by R_q; P@N cannot reach 100 % where a "
            "query has fewer than N relevant items.",
            lambda ranking: metrics.r_precision(ranking.counts),
            ("leaderboard",),
        ),
        Metric(
            "first_relevant",
            "First relevant",
            "rank",
            "lower",
            "Rank of the first relevant item; one past the end where nothing is relevant.",
            lambda ranking: metrics.first_relevant(ranking.counts),
            ("leaderboard",),
        ),
    )
}
