"""Judging rounds: people judge the first results of several runs without seeing whose they are.

    judging/<data set>/<round>.json   queries, runs, and the first results of each run

A round stores results, not references to them: it can be resumed and measured after a run was
deleted, and an index that is built again changes nothing in it. The verdicts are in the data set's
file of verdicts, under the id of the round.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.wording import unknown
from pipeline.analysis.first_results import Searched, common_rows, first_results
from pipeline.analysis.opened_run import short_labels
from pipeline.annotations.verdicts import Pair
from pipeline.datasets.dataset import NAME_PATTERN, RetrievalDataset
from pipeline.files import ParsedFiles, parsed, write_atomic
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.registry import RunRegistry
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.sums import remove
from pipeline.wording import plural, sentence

DEPTH = 10  # first results of each run that are judged
FEWEST_RUNS, MOST_RUNS = 2, 5
QUESTION = "Would you accept this picture as a result for the query?"


class RoundError(ValueError):
    """A round cannot be made, found or read; the message says why."""


class JudgedRun(BaseModel):
    """A run of a round.

    Attributes:
        id: of the run, which may have been deleted since.
        label: its name for people.
        problem: why its equally near results are in the order of their ids; empty where their
            features put them in order.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    label: str
    problem: str = ""


class JudgedQuery(BaseModel):
    """A query of a round.

    Attributes:
        query: SHA-256 of the image.
        results: SHA-256 of the first results of each run, best first.
    """

    model_config = ConfigDict(frozen=True)

    query: str
    results: tuple[tuple[str, ...], ...]

    @property
    def pool(self) -> tuple[str, ...]:
        """Every result once."""
        return tuple(dict.fromkeys(result for ranking in self.results for result in ranking))


class JudgingRound(BaseModel):
    """What is judged in a round.

    Attributes:
        id: of the round.
        name: for people; names no run.
        question: that every judge answers.
        dataset: name of the data set.
        fingerprint: of its content when the round was made.
        labels: label set that all runs were made for; empty where they differ or there is none.
        created: ISO 8601, UTC.
        seed: of the draw of queries and of the order that results are shown in.
        depth: first results of each run.
        n_images: images that every run searched.
        runs: in the order of the results of each query.
        queries: in the order in which they are judged.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    name: str
    question: str
    dataset: str
    fingerprint: str
    labels: str
    created: str
    seed: int
    depth: int
    n_images: int
    runs: tuple[JudgedRun, ...]
    queries: tuple[JudgedQuery, ...]

    @property
    def protocol(self) -> str:
        """What belongs to every number of the round, in sentences."""
        return (
            f"{self.name}, {self.created[:10]}: {plural(len(self.queries), 'query')} drawn at "
            f"random from the query sets of {len(self.runs)} runs (seed {self.seed}); the first "
            f"{self.depth} results of each run among {plural(self.n_images, 'image')}, pooled, "
            f"shuffled, and judged without the names of runs. Question: {self.question}"
        )

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every query with every result of its pool."""
        return tuple((query.query, result) for query in self.queries for result in query.pool)


_ROUNDS = ParsedFiles(parsed(JudgingRound.model_validate_json), 200)


def start_round(
    dataset: RetrievalDataset,
    runs: Sequence[str],
    settings: Settings,
    *,
    n_queries: int = 20,
    name: str = "",
    question: str = QUESTION,
    seed: int | None = None,
) -> JudgingRound:
    """Draw queries, pool the first results of the runs, and store the round.

    Queries are drawn at random from those of the query set of every run. The runs search the images
    that all of them have codes of, without the query, in the order that Search shows.

    Args:
        dataset: data set of the runs.
        runs: ids of 2 to 5 runs.
        settings: where runs and rounds are.
        n_queries: queries to draw.
        name: for people; empty: a number.
        question: that every judge answers.
        seed: of the draw; None: a new one each time.

    Raises:
        RoundError: too few or too many runs, or fewer common queries than are wanted.
        RunError: a run is gone, damaged, or was made from other content of the data set.
        OSError: the round cannot be stored.
    """
    if not FEWEST_RUNS <= len(set(runs)) == len(runs) <= MOST_RUNS:
        wanted = f"a round compares {FEWEST_RUNS} to {MOST_RUNS} different runs"
        raise RoundError(f"{wanted}, got {len(runs)} ({len(set(runs))} different)")
    opened = [RunRegistry(settings).open(run) for run in runs]
    searched = [Searched.of(run, dataset) for run in opened]
    rows, queries = common_rows(searched)
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    drawn = _drawn(queries, n_queries, seed)
    answers = [first_results(run, drawn, rows, DEPTH, dataset, settings) for run in searched]
    judged = JudgingRound(
        id=uuid4().hex[:8],
        name=" ".join(name.split()) or f"Round {len(list_rounds(dataset.info.name, settings)) + 1}",
        question=" ".join(question.split()) or QUESTION,
        dataset=dataset.info.name,
        fingerprint=dataset.info.fingerprint,
        labels=_common_labels(opened, dataset),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=seed,
        depth=DEPTH,
        n_images=len(rows),
        runs=tuple(
            JudgedRun(id=run.id, label=label, problem=problem)
            for run, label, (_, problem) in zip(opened, short_labels(opened), answers, strict=True)
        ),
        queries=_pooled(drawn, [results for results, _ in answers], dataset),
    )
    folder = _folder(judged.dataset, settings)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{judged.id}.json", judged.model_dump_json())
    return judged


def delete_round(judged: JudgingRound, settings: Settings) -> None:
    """Remove a round; its verdicts stay in the data set's file of verdicts and its export.

    Raises:
        OSError: it cannot be removed.
    """
    remove(_folder(judged.dataset, settings) / f"{judged.id}.json")


def _drawn(queries: NDArray[np.int64], n: int, seed: int) -> list[int]:
    if not len(queries):
        raise RoundError("these runs have no query in common; choose runs of the same split")
    if not 1 <= n <= len(queries):
        raise RoundError(f"a round of these runs has 1 to {len(queries):,} queries, got {n:,}")
    drawn: list[int] = np.random.default_rng(seed).choice(queries, n, replace=False).tolist()
    return drawn


def _pooled(
    queries: Sequence[int], results: Sequence[list[list[int]]], dataset: RetrievalDataset
) -> tuple[JudgedQuery, ...]:
    """What each run found for each query, rows named by the digests of their images."""
    digests = dataset.manifest["sha256"].tolist()
    return tuple(
        JudgedQuery(
            query=digests[query],
            results=tuple(tuple(digests[row] for row in rows[place]) for rows in results),
        )
        for place, query in enumerate(queries)
    )


def list_rounds(dataset: str, settings: Settings) -> list[JudgingRound]:
    """The readable rounds of a data set, newest first; `unreadable_rounds` names the others."""
    return _read_all(dataset, settings)[0]


def unreadable_rounds(dataset: str, settings: Settings) -> dict[str, str]:
    """Why the other rounds of a data set cannot be read, by file name."""
    return _read_all(dataset, settings)[1]


def find_round(round_id: str, settings: Settings) -> JudgingRound:
    """The round with an id, of whatever data set.

    Raises:
        RoundError: no such round, or its file is damaged.
    """
    files = {path.stem: path for path in (settings.home / "judging").glob("*/*.json")}
    if round_id not in files:
        raise RoundError(unknown("round", round_id, tuple(files)))
    try:
        return _read(files[round_id])
    except (OSError, ValueError) as error:
        raise RoundError(f"round {round_id} is damaged: {sentence(error)}") from error


def _common_labels(runs: Sequence[Run], dataset: RetrievalDataset) -> str:
    """Name of the label set that all runs were made for; empty for none."""
    label_sets = [relevance_labels(dataset, run.spec) for run in runs]
    names = {"" if labels is None else labels.name for labels in label_sets}
    return names.pop() if len(names) == 1 else ""


def _read_all(dataset: str, settings: Settings) -> tuple[list[JudgingRound], dict[str, str]]:
    rounds, damaged = [], {}
    for path in sorted(_folder(dataset, settings).glob("*.json")):
        try:
            rounds.append(_read(path))
        except (OSError, ValueError) as error:
            damaged[path.name] = sentence(error)
    return sorted(rounds, key=lambda judged: judged.created, reverse=True), damaged


def _read(path: Path) -> JudgingRound:
    """A round under the name that its data set has now, which may have been renamed."""
    return _ROUNDS.read(path).model_copy(update={"dataset": path.parent.name})


def _folder(dataset: str, settings: Settings) -> Path:
    if not re.fullmatch(NAME_PATTERN, dataset):
        raise RoundError(f"{dataset!r} is no name of a data set")
    return settings.home / "judging" / dataset
