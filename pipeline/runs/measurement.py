"""evaluate_run(): report and curves of a run, measured from its stored codes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from models.errors import Cancelled
from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.datasets.protocols import Protocol
from pipeline.datasets.split import Indices
from pipeline.evaluation.code_statistics import code_statistics
from pipeline.evaluation.evaluate import evaluate, evaluate_similarities
from pipeline.evaluation.metric_table import NEIGHBOURS
from pipeline.evaluation.ranking import Labels, OnProgress
from pipeline.evaluation.rankings import HAMMING, check_ranking
from pipeline.evaluation.relevance import (
    COPIES,
    LABELS,
    NEIGHBOUR_RELEVANCES,
    all_relevant,
    check_relevance,
    neighbour_labels,
)
from pipeline.evaluation.report import Evaluation
from pipeline.features import FeatureCache
from pipeline.images import ImageError
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.copies import Copies, encode_copies
from pipeline.runs.cosine_neighbours import cosine_neighbours
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.rankings import Ranked, rank_run
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.wording import plural, sentence

NEIGHBOURS_DEFAULT = "neighbours@10"  # relevance where labels tell nothing
Found = TypeVar("Found")
_log = logging.getLogger(__name__)


class MeasurementError(RunError):
    """Nothing tells good codes of a run from bad ones; `reason` says why."""

    def __init__(self, run: Run, reason: str) -> None:
        super().__init__(f"run {run.id} cannot be measured: {reason}")
        self.reason = reason


def why_not_by_labels(
    dataset: RetrievalDataset, label_set: LabelSet | None, query: Indices, database: Indices
) -> str:
    """Why labels cannot tell good codes from bad ones; empty when they can."""
    if label_set is None:
        return "the data set has no labels"
    labels = dataset.labels(label_set)
    if all_relevant(labels[query], labels[database]):
        return (
            f"every database image shares a label of {label_set.name!r} with every query, so that "
            "any order would be perfect"
        )
    return ""


def evaluate_run(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress = ignore_progress,
    relevance: str = "",
    ranking: str = HAMMING,
) -> Evaluation:
    """Measure the stored codes of a run and store report and curves; can be repeated.

    Args:
        run: whose codes are stored.
        dataset: data set of the run.
        settings: say where the neighbours by cosine are kept.
        cache: features of the run's backbone; where they are unavailable and labels decide, the log
            says so, and what is measured against the neighbours by cosine is left out.
        on_progress: called with the stage, queries done and queries in all.
        relevance: one of `RELEVANCES`; empty: labels where these tell images apart, else the ten
            nearest by the features' cosine.
        ranking: one of `RANKINGS`. Each has a report of its own, as each relevance has.

    Raises:
        MeasurementError: the relevance tells nothing, or features that are needed are not there.
        RunError: the codes are not there, or the data set has other content by now.
        ValueError: there is no such relevance or ranking.
    """
    check_ranking(ranking)
    run.check_dataset(*dataset.info.fingerprints)
    query, database = run.load_codes("query"), run.load_codes("database")
    chosen = _relevance_of(run, dataset, relevance, query[1], database[1])

    def nearest(k: int) -> NDArray[np.int64]:
        found = partial(on_progress, "neighbours")
        return cosine_neighbours(dataset, query[1], database[1], settings, cache, found, k=k)

    if chosen == LABELS:
        labels = dataset.labels(dataset.label_set(run.spec.label_set))
        relevant = labels[query[1]], labels[database[1]]
        kept = _if_there(partial(nearest, NEIGHBOURS))
    elif chosen == COPIES:
        encode = partial(encode_copies, run, dataset, database[1], settings, cache, on_progress)
        copies, codes = _encoded(run, ranking, encode)
        query, relevant, kept = (codes, copies.rows), copies.labels(database[1]), None
    else:
        found = _or_refused(run, "relevance", partial(nearest, NEIGHBOUR_RELEVANCES[chosen]))
        relevant = neighbour_labels(found, len(database[1]))
        kept = nearest(NEIGHBOURS)
    began = time.perf_counter()
    measured = partial(on_progress, "evaluation")
    shared = _Shared(*relevant, run.spec.evaluation_protocol(), kept, measured)
    if ranking == HAMMING:
        evaluation = shared.by_distance(query[0], database[0])
    else:
        rank = partial(rank_run, run, dataset, cache, ranking, query, database)
        evaluation = shared.by_values(_or_refused(run, "ranking", rank), database[0], ranking)
    timings = evaluation.report.timings | _timings(run, began)
    update = {"timings": timings, "relevance": chosen}
    evaluation = replace(evaluation, report=evaluation.report.model_copy(update=update))
    run.save_evaluation(evaluation)
    return evaluation


def _encoded(
    run: Run, ranking: str, encode: Callable[[], tuple[Copies, HashCodes]]
) -> tuple[Copies, HashCodes]:
    """Edited images and their codes."""
    if ranking != HAMMING:
        raise MeasurementError(run, "copies are ranked by Hamming distance alone")
    try:
        return encode()
    except (ImageError, RunError, RuntimeError) as error:
        raise MeasurementError(run, f"its copies cannot be encoded: {sentence(error)}") from error


class _Shared(NamedTuple):
    """What an evaluation is told whatever the ranking."""

    query_labels: Labels
    database_labels: Labels
    protocol: Protocol
    nearest: NDArray[np.int64] | None
    on_progress: OnProgress

    def by_distance(self, queries: HashCodes, database: HashCodes) -> Evaluation:
        return evaluate(
            queries,
            database,
            self.query_labels,
            self.database_labels,
            self.protocol,
            nearest=self.nearest,
            on_progress=self.on_progress,
        )

    def by_values(self, ranked: Ranked, database: HashCodes, ranking: str) -> Evaluation:
        evaluation = evaluate_similarities(
            ranked.similarities,
            self.query_labels,
            self.database_labels,
            self.protocol,
            bytes_per_item=database.packed.shape[1],
            nearest=self.nearest,
            on_progress=self.on_progress,
        )
        costs = {
            "ranking": ranking,
            "bits": database.bits,
            "codes": code_statistics(database),
            "cold_bytes_per_item": ranked.cold_bytes,
            "timings": {"search_s": ranked.search_s},
        }
        return replace(evaluation, report=evaluation.report.model_copy(update=costs))


class RelevanceError(ValueError):
    """A relevance cannot tell good rankings from bad ones; the message says why."""


def chosen_relevance(
    dataset: RetrievalDataset,
    label_set: LabelSet | None,
    relevance: str,
    query: Indices,
    database: Indices,
) -> str:
    """The relevance that is wanted, or else the default.

    Args:
        dataset: whose images are ranked.
        label_set: whose labels would decide; None: there are none.
        relevance: one of `RELEVANCES`; empty: labels where these tell images apart, else
            `NEIGHBOURS_DEFAULT`.
        query: manifest rows of the queries.
        database: manifest rows of the database.

    Raises:
        RelevanceError: it cannot tell good rankings from bad ones.
        ValueError: there is no such relevance.
    """
    if relevance:
        check_relevance(relevance)
    no_labels = ""
    if relevance in ("", LABELS):
        no_labels = why_not_by_labels(dataset, label_set, query, database)
        if not no_labels:
            return LABELS
        if relevance:
            raise RelevanceError(no_labels)
    chosen = relevance or NEIGHBOURS_DEFAULT
    if reason := _why_not_by_neighbours(chosen, database):
        raise RelevanceError(", and ".join(filter(None, (no_labels, reason))))
    return chosen


def _relevance_of(
    run: Run, dataset: RetrievalDataset, relevance: str, query: Indices, database: Indices
) -> str:
    label_set = relevance_labels(dataset, run.spec)
    try:
        return chosen_relevance(dataset, label_set, relevance, query, database)
    except RelevanceError as error:
        raise MeasurementError(run, str(error)) from error


def _why_not_by_neighbours(relevance: str, database: Indices) -> str:
    """Why neighbours or copies cannot tell good codes from bad ones; empty when they can."""
    k, n = NEIGHBOUR_RELEVANCES.get(relevance, NEIGHBOURS), len(database)
    if n > k:
        return ""
    return f"its database holds {plural(n, 'image')}, of which all would be among the {k} nearest"


def _timings(run: Run, began: float) -> dict[str, float]:
    known = run.status().timings
    timings = {
        "training_s": known.get("training", 0.0),
        "evaluation_s": round(time.perf_counter() - began, 3),
    }
    if "encoding" in known:  # runs of earlier versions did not measure it
        timings["encoding_s"] = known["encoding"]
    return timings


def _or_refused(run: Run, what: str, found: Callable[[], Found]) -> Found:
    """What relevance or ranking needs of the features."""
    try:
        return found()
    except Cancelled:
        raise
    except Exception as error:
        reason = f"its {what} needs the features: {sentence(error)}"
        raise MeasurementError(run, reason) from error


def _if_there(found: Callable[[], NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """The nearest images by cosine; None where features are unavailable, for labels need none."""
    try:
        return found()
    except Cancelled:
        raise
    except Exception as error:
        _log.warning("the neighbours by cosine are not known: %s", sentence(error))
        return None
