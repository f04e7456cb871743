"""Judging: who has answered what in a round, what is next, and what has changed since it began."""

from __future__ import annotations

import random
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from models.wording import unknown
from pipeline.analysis.judging_rounds import JudgingRound, RoundError
from pipeline.annotations.verdicts import Pair, Verdict, Verdicts, Word
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.settings import Settings

ANSWERS: tuple[Word, ...] = ("relevant", "not relevant", "unsure")
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Progress:
    """How far a judge has come.

    Attributes:
        pairs: that can be judged, in the order of this judge.
        verdicts: of this judge, by pair, as they were given.
        n_gone: pairs that cannot be judged, since the data set has lost an image.
    """

    pairs: tuple[Pair, ...]
    verdicts: dict[Pair, Verdict]
    n_gone: int

    @property
    def left(self) -> tuple[Pair, ...]:
        """Pairs without a verdict, the next one first."""
        return tuple(pair for pair in self.pairs if pair not in self.verdicts)

    @property
    def last(self) -> Pair | None:
        """The pair that was judged last; None before the first."""
        return next(reversed(self.verdicts), None)

    @property
    def n_queries_done(self) -> int:
        """Queries of which nothing is left to judge."""
        return len({query for query, _ in self.pairs} - {query for query, _ in self.left})


def verdicts_of(judged: JudgingRound, settings: Settings) -> dict[str, dict[Pair, Verdict]]:
    """The verdicts of a round that hold now, by judge and pair."""
    verdicts = Verdicts.of(judged.dataset, judged.labels, settings).of_round(judged.id)
    pairs = set(judged.pairs)
    return {
        judge: {pair: verdict for pair, verdict in given.items() if pair in pairs}
        for judge, given in verdicts.items()
    }


def progress_of(
    judged: JudgingRound, judge: str, known: AbstractSet[str], settings: Settings
) -> Progress:
    """How far a judge has come.

    Args:
        judged: the round.
        judge: name of the judge, who sees results in an order of their own.
        known: SHA-256 of the images that the data set has.
        settings: where verdicts are.
    """
    pairs = []
    for query in judged.queries:
        pool = sorted(query.pool)  # so that nothing of the runs' order is left
        random.Random(f"{judged.seed} {judge} {query.query}").shuffle(pool)
        pairs += [(query.query, result) for result in pool]
    there = tuple(pair for pair in pairs if {*pair} <= known)
    given = verdicts_of(judged, settings).get(judge, {})
    return Progress(there, given, len(pairs) - len(there))


def judge(
    judged: JudgingRound, judge: str, pair: Pair, answer: Word | None, settings: Settings
) -> None:
    """Store what a judge answers of a pair; None takes the answer back.

    Raises:
        RoundError: the pair is not of the round, the answer is none of `ANSWERS`, or nobody judges.
        OSError: it cannot be stored.
    """
    if pair not in judged.pairs:
        raise RoundError(f"round {judged.id} has no such pair of query and result")
    if answer not in (None, *ANSWERS):
        raise RoundError(unknown("answer", str(answer), ANSWERS))
    if not judge or judge != judge_name(judge):
        raise RoundError(f"a judge has a name of 1 to {_LONGEST_NAME} characters, got {judge!r}")
    verdicts = Verdicts.of(judged.dataset, judged.labels, settings)
    if answer is None:
        verdicts.withdraw_verdict(*pair, round_id=judged.id, judge=judge)
    else:
        verdicts.set_verdict(*pair, answer, round_id=judged.id, judge=judge)


def judge_name(typed: str, known: Collection[str] = ()) -> str:
    """The name of a judge as it is stored: in the spelling that is known already, if it is.

    Args:
        typed: what was typed; at most 40 characters of it count.
        known: names of those who have judged in the round.
    """
    name = " ".join(typed.split())[:_LONGEST_NAME].strip()
    return next((other for other in known if other.casefold() == name.casefold()), name)


def changes_since(judged: JudgingRound, dataset: RetrievalDataset, settings: Settings) -> list[str]:
    """What is different since a round was made, a sentence each."""
    changes = []
    if judged.fingerprint not in dataset.info.fingerprints:
        changes.append(
            "The data set was imported again with other content since this round was made. "
            "Verdicts stay; images that are gone cannot be judged."
        )
    n_gone = sum(not (settings.runs_path / run.id).is_dir() for run in judged.runs)
    if n_gone:
        changes.append(
            f"{n_gone} of the {len(judged.runs)} runs {'was' if n_gone == 1 else 'were'} deleted. "
            "The round keeps their results, which are judged and measured all the same."
        )
    return changes
