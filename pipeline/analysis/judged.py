"""What judges found: P@10 and NDCG@10 of each run of a round, who wins, and who agrees.

A result is relevant when more judges call it relevant than not; where as many do, or all are
unsure, it is undecided and counts as not relevant. Figures are means over the queries of which
every pooled result was judged, so that all runs are measured on the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.judging_rounds import JudgedQuery, JudgingRound
from pipeline.annotations.verdicts import Pair, Verdict
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.evaluation import metrics
from pipeline.evaluation.bootstrap import CONFIDENCE
from pipeline.evaluation.metrics import Interval
from pipeline.wording import listed, plural

Answers = Mapping[Pair, bool]  # pairs that were called relevant, or not
POOLING = (
    "Only results that a run of this round found among its first 10 were judged. The ideal order "
    "behind NDCG@10 is that of these; what no run found is unknown, so that recall and mAP cannot "
    "be measured, and a run that joins later needs judgements of its own."
)


@dataclass(frozen=True)
class RunFigures:
    """What was measured of a run.

    Attributes:
        label: name of the run.
        precision: P@10 (q,) of each complete query, in [0, 1].
        ndcg: NDCG@10 (q,) of each complete query, in [0, 1].
        n_missing: its results in the whole round that nobody has judged.
    """

    label: str
    precision: NDArray[np.float64]
    ndcg: NDArray[np.float64]
    n_missing: int


@dataclass(frozen=True)
class Duel:
    """Two runs on the same queries, by P@10.

    Attributes:
        first: name of a run.
        second: name of the other.
        wins: queries on which the first is better.
        ties: queries on which they are equal.
        losses: queries on which the second is better.
        difference: mean difference, first - second, with its paired interval.
    """

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    difference: Interval

    @property
    def is_separable(self) -> bool:
        """Whether the interval leaves out 0."""
        return not self.difference.low <= 0 <= self.difference.high


@dataclass(frozen=True)
class Agreement:
    """How far two agree on the pairs that both decided.

    Attributes:
        first: name of a judge.
        second: name of another, or of the labels.
        n: pairs that both called relevant or not.
        share: of these with the same answer, in [0, 1].
        kappa: Cohen's kappa, at most 1; None where both gave one and the same answer throughout.
    """

    first: str
    second: str
    n: int
    share: float
    kappa: float | None


@dataclass(frozen=True)
class Result:
    """What a round has shown so far.

    Attributes:
        judges: verdicts of each judge.
        n_queries: queries of the round.
        complete: those of which every pooled result was judged, in the order of the round.
        n_pairs: pairs of the round.
        n_judged: pairs with at least one verdict.
        n_undecided: pairs on which as many judges said yes as no, or all were unsure.
        runs: in the order of the round.
        duels: every two runs; none before a query is complete.
        agreements: every two judges, then all judges and the labels.
        relevant: decision on each judged pair.
        disputed: places of the complete queries, those first on which judges, then runs, differ
            most.
    """

    judges: dict[str, int]
    n_queries: int
    complete: tuple[JudgedQuery, ...]
    n_pairs: int
    n_judged: int
    n_undecided: int
    runs: tuple[RunFigures, ...]
    duels: tuple[Duel, ...]
    agreements: tuple[Agreement, ...]
    relevant: Answers
    disputed: tuple[int, ...]

    @property
    def finding(self) -> str:
        """Which run leads and whether that is separable, in sentences."""
        if not self.complete:
            return "No query is completely judged yet."
        means = [run.precision.mean() for run in self.runs]
        best = self.runs[int(np.argmax(means))]
        over = f"over {plural(len(self.complete), 'query')}, judged by {_people(self.judges)}"
        mean, low, high = metrics.bootstrap_interval(best.precision)
        level = [run.label for run in self.runs if np.isclose(run.precision.mean(), mean)]
        leads = (
            f"{listed(level)} {_has(level)} the highest P@10, {_interval(mean, low, high)} {over}."
        )
        behind = [
            other
            for duel in self.duels
            if duel.is_separable and best.label in (duel.first, duel.second)
            for other in (duel.second if duel.first == best.label else duel.first,)
        ]
        rest = [run.label for run in self.runs if run.label not in (*level, *behind)]
        words = [f"{listed(behind)} {_is(behind)} worse."] if behind else []
        if rest:
            words.append(
                f"{listed(rest)} {_is(rest)} not separable from it."
                if behind or len(rest) == 1
                else "No other run is separable from it."
            )
        return " ".join([leads, *words])

    @property
    def limits(self) -> str:
        """How much is judged, and what pooling leaves unknown, in sentences."""
        missing = self.n_pairs - self.n_judged
        sentence = (
            f"Counted: {len(self.complete)} of {plural(self.n_queries, 'query')}, those of which "
            f"every result was judged. Missing: {missing:,} of {self.n_pairs:,} judgements."
        )
        if self.n_undecided:
            sentence += f" Undecided, counted as not relevant: {self.n_undecided:,}."
        return f"{sentence} {POOLING}"


def read_result(
    judged: JudgingRound, verdicts: Mapping[str, Mapping[Pair, Verdict]], labels: Answers
) -> Result:
    """Measure a round from the verdicts that it has.

    Args:
        judged: the round.
        verdicts: by judge and pair.
        labels: what the labels say of pairs, as `label_answers` gives it.
    """
    votes = {judge: _answers(given) for judge, given in verdicts.items() if given}
    relevant, undecided = _majority(verdicts)
    complete = tuple(
        query
        for query in judged.queries
        if all((query.query, result) in relevant for result in query.pool)
    )
    runs = _figures(judged, complete, relevant)
    decided = {pair: answer for pair, answer in relevant.items() if pair not in undecided}
    pairs_of_judges = [
        _agreement(a, b, votes[a], votes[b]) for a, b in combinations(sorted(votes), 2)
    ]
    with_labels = _agreement("all judges", f"labels: {judged.labels}", decided, labels)
    return Result(
        judges={judge: len(given) for judge, given in sorted(verdicts.items()) if given},
        n_queries=len(judged.queries),
        complete=complete,
        n_pairs=len(judged.pairs),
        n_judged=len(relevant),
        n_undecided=len(undecided),
        runs=runs,
        duels=_duels(runs) if complete else (),
        agreements=tuple(one for one in (*pairs_of_judges, with_labels) if one.n),
        relevant=relevant,
        disputed=_disputed(complete, runs, votes),
    )


def label_answers(judged: JudgingRound, dataset: RetrievalDataset) -> dict[Pair, bool]:
    """Whether the images of each pair share a label; only where the data set labels both."""
    try:
        names = dataset.label_names(dataset.label_set(judged.labels)) if judged.labels else []
    except DatasetError:  # other labels by now
        return {}
    labels = dict(zip(dataset.manifest["sha256"], map(set, names), strict=False))
    return {
        (query, result): bool(labels[query] & labels[result])
        for query, result in judged.pairs
        if labels.get(query) and labels.get(result)
    }


def _answers(given: Mapping[Pair, Verdict]) -> dict[Pair, bool]:
    """The pairs that a judge has decided."""
    return {
        pair: verdict.verdict == "relevant"
        for pair, verdict in given.items()
        if verdict.verdict != "unsure"
    }


def _majority(
    verdicts: Mapping[str, Mapping[Pair, Verdict]],
) -> tuple[dict[Pair, bool], set[Pair]]:
    """The decision on each judged pair, and the pairs that are undecided."""
    balance: dict[Pair, int] = {}
    for given in verdicts.values():
        for pair, verdict in given.items():
            vote = {"relevant": 1, "not relevant": -1}.get(verdict.verdict, 0)
            balance[pair] = balance.get(pair, 0) + vote
    return (
        {pair: votes > 0 for pair, votes in balance.items()},
        {pair for pair, votes in balance.items() if votes == 0},
    )


def _figures(
    judged: JudgingRound, complete: tuple[JudgedQuery, ...], relevant: Answers
) -> tuple[RunFigures, ...]:
    counts = _counts(judged, complete, relevant)
    nothing = np.zeros(0)
    return tuple(
        RunFigures(
            run.label,
            metrics.precision_at(counts[:, place], [judged.depth])[:, 0] if complete else nothing,
            metrics.ndcg_at(counts[:, place], judged.depth) if complete else nothing,
            sum(
                (query.query, result) not in relevant
                for query in judged.queries
                for result in query.results[place]
            ),
        )
        for place, run in enumerate(judged.runs)
    )


def _counts(
    judged: JudgingRound, complete: tuple[JudgedQuery, ...], relevant: Answers
) -> NDArray[np.int64]:
    """Histograms (q, runs, depth + 1, 2) as the metrics take them: one result per level.

    The last level holds what the other runs found.
    """
    counts = np.zeros((len(complete), len(judged.runs), judged.depth + 1, 2), np.int64)
    for place, query in enumerate(complete):
        for run, ranking in enumerate(query.results):
            levels = {result: level for level, result in enumerate(ranking)}
            for result in query.pool:
                level = levels.get(result, judged.depth)
                counts[place, run, level, int(relevant[query.query, result])] += 1
    return counts


def _duels(runs: tuple[RunFigures, ...]) -> tuple[Duel, ...]:
    """Every two runs; with several duels the intervals hold together (Bonferroni)."""
    pairs = list(combinations(runs, 2))
    duels = []
    for first, second in pairs:
        gaps = np.round(first.precision - second.precision, 9)
        duels.append(
            Duel(
                first.label,
                second.label,
                int((gaps > 0).sum()),
                int((gaps == 0).sum()),
                int((gaps < 0).sum()),
                metrics.bootstrap_interval(
                    gaps, resamples=2000, confidence=1 - (1 - CONFIDENCE) / len(pairs)
                ),
            )
        )
    return tuple(duels)


def _agreement(first: str, second: str, one: Answers, other: Answers) -> Agreement:
    from sklearn.metrics import cohen_kappa_score  # takes most of a second to load

    common = [pair for pair in one if pair in other]
    mine, theirs = [one[pair] for pair in common], [other[pair] for pair in common]
    if not common:
        return Agreement(first, second, 0, 0.0, None)
    share = float(np.mean(np.equal(mine, theirs)))
    is_constant = len({*mine, *theirs}) == 1
    kappa = None if is_constant else float(cohen_kappa_score(mine, theirs))
    return Agreement(first, second, len(common), share, kappa)


def _disputed(
    complete: tuple[JudgedQuery, ...],
    runs: tuple[RunFigures, ...],
    votes: Mapping[str, Answers],
) -> tuple[int, ...]:
    def dispute(place: int) -> tuple[int, float]:
        query = complete[place]
        conflicts = sum(
            len({given[pair] for given in votes.values() if pair in given}) == 2
            for pair in ((query.query, result) for result in query.pool)
        )
        precisions = [run.precision[place] for run in runs]
        return -conflicts, min(precisions) - max(precisions)

    return tuple(sorted(range(len(complete)), key=dispute))


def _people(judges: Mapping[str, int]) -> str:
    return "1 person" if len(judges) == 1 else f"{len(judges)} people"


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _is(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"


def _interval(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f})"
