"""A review of failures: a sample with an end, the verdicts on it, and the mAP they correct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from pipeline.analysis.failures import Failures
from pipeline.analysis.opened_run import OpenRun
from pipeline.analysis.query_failures import corrected_map, review_sample, worst_quarter
from pipeline.annotations.verdicts import Verdict, Verdicts, Word
from pipeline.evaluation.metrics import Interval
from pipeline.settings import Settings

SIZE = 40
WORDS: tuple[Word, ...] = ("model error", "label error", "acceptable", "unsure")
_OF_THE_IMAGE = "label error"  # holds for every run; the others are about one run's results


@dataclass(frozen=True)
class Review:
    """How far a review has come.

    Attributes:
        places: of the query set, in the order of the review.
        verdicts: what was said, by place.
        n_failures: queries that the sample was drawn from.
        corrected: mAP without label errors; None before the first verdict.
        raw: mAP as measured.
    """

    places: tuple[int, ...]
    verdicts: dict[int, Verdict]
    n_failures: int
    corrected: Interval | None
    raw: float

    @property
    def next_place(self) -> int | None:
        """The first without a verdict; None when the review is over."""
        return next((place for place in self.places if place not in self.verdicts), None)

    def count(self, word: str) -> int:
        """Verdicts of one kind."""
        return sum(verdict.verdict == word for verdict in self.verdicts.values())


def read_review(run: OpenRun, failures: Failures, settings: Settings) -> Review:
    """The review of a run; resumes where it was, also after a restart."""
    ap = failures.facts["ap"].to_numpy()
    is_failure = worst_quarter(ap)
    places = tuple(int(place) for place in review_sample(is_failure, SIZE))
    current = _verdicts(run, settings).current()
    by_place = {}
    for place in places:
        verdict = current.get((run.sha256(int(run.query_rows[place])), ""))
        if verdict and verdict.verdict in WORDS and verdict.run in (run.id, *_any_run(verdict)):
            by_place[place] = verdict
    reviewed = np.array(list(by_place), np.int64)
    errors = np.array([verdict.verdict == _OF_THE_IMAGE for verdict in by_place.values()], bool)
    corrected = corrected_map(ap, is_failure, reviewed, errors) if by_place else None
    return Review(places, by_place, int(is_failure.sum()), corrected, float(ap.mean()))


def set_verdict(run: OpenRun, place: int, word: Word, note: str, settings: Settings) -> None:
    """Store a verdict on a query.

    Raises:
        ValueError: no such verdict.
        OSError: it cannot be stored.
    """
    if word not in get_args(Word):
        raise ValueError(f"{word!r} is no verdict; use one of {', '.join(WORDS)}")
    verdicts = _verdicts(run, settings)
    verdicts.set_verdict(
        run.sha256(int(run.query_rows[place])), "", word, note.strip()[:2000], run.id
    )


def withdraw_verdict(run: OpenRun, place: int, settings: Settings) -> None:
    """Withdraw a verdict on a query.

    Raises:
        OSError: it cannot be stored.
    """
    _verdicts(run, settings).withdraw_verdict(run.sha256(int(run.query_rows[place])))


def _verdicts(run: OpenRun, settings: Settings) -> Verdicts:
    return Verdicts.of(run.dataset.info.name, run.label_set_name, settings)


def _any_run(verdict: Verdict) -> tuple[str, ...]:
    """The verdict's own run where it is about the image and so holds for every run."""
    return (verdict.run,) if verdict.verdict == _OF_THE_IMAGE else ()
