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
from pipeline.runs.copies import CODES, Copies, copy_features
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
            nearest by the features' cosine. Each has its own report.
        ranking: one of `RANKINGS`. Each has its own report.

    Raises:
        MeasurementError: the relevance cannot tell good codes from bad ones, or relevance or
            ranking needs features that are not there.
        RunError: the codes are not there, or the data set has other content by now.
        ValueError: there is no such relevance or ranking.
    """
    check_ranking(ranking)
    check_ranking(ranking)
    run.check_dataset(*dataset.info.fingerprints)
    query, database = run.load_codes("query"), run.load_codes("database")
    chosen = _relevance_of(run, dataset, relevance, query[1], database[1])
    queries = _queries_of(run, dataset, settings, cache, on_progress, chosen, query, database[1])
    began = time.perf_counter()
    show = partial(on_progress, "evaluation")
    if ranking == HAMMING:
        evaluation = evaluate(
            queries.codes,
            database[0],
            *queries.labels,
            run.spec.evaluation_protocol(),
            nearest=queries.nearest,
            threads=settings.threads,
            on_progress=show,
        )
    else:
        evaluation = _evaluate_ranked(run, dataset, cache, ranking, queries, database, show)
    timings = evaluation.report.timings | _timings(run, began)
    update = {"timings": timings, "relevance": chosen}
    evaluation = replace(evaluation, report=evaluation.report.model_copy(update=update))
    run.save_evaluation(evaluation)
    return evaluation


class _Queries(NamedTuple):
    """The queries of an evaluation, and what is relevant to them.

    Attributes:
        codes: of the queries.
        features: makes their features (q, d).
        labels: of the queries and of the database.
        nearest: places of their nearest by cosine; None where these are not known.
    """

    codes: HashCodes
    features: Callable[[], NDArray[np.float32]]
    labels: tuple[Labels, Labels]
    nearest: NDArray[np.int64] | None


def _queries_of(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress,
    relevance: str,
    query: tuple[HashCodes, Indices],
    database: Indices,
) -> _Queries:
    """The queries of the split, or edited images where copies are relevant."""
    codes, rows = query
    if relevance == COPIES:
        copies, codes, features = _encode_copies(
            run, dataset, database, settings, cache, on_progress
        )
        return _Queries(codes, lambda: features, copies.labels(database), None)

    def nearest(k: int) -> NDArray[np.int64]:
        found = partial(on_progress, "neighbours")
        return cosine_neighbours(dataset, rows, database, settings, cache, found, k=k)

    if relevance == LABELS:
        labels = dataset.labels(dataset.label_set(run.spec.label_set))
        relevant = labels[rows], labels[database]
        kept = _if_there(partial(nearest, NEIGHBOURS))
    else:
        found = _or_refused(run, "relevance", partial(nearest, NEIGHBOUR_RELEVANCES[relevance]))
        relevant = neighbour_labels(found, len(database))
        kept = nearest(NEIGHBOURS)
    return _Queries(codes, lambda: cache.get(dataset, images=rows), relevant, kept)


def _evaluate_ranked(
    run: Run,
    dataset: RetrievalDataset,
    cache: FeatureCache,
    ranking: str,
    queries: _Queries,
    database: tuple[HashCodes, Indices],
    on_progress: OnProgress,
) -> Evaluation:
    """Measure a ranking by values other than Hamming distances."""

    def rank() -> Ranked:
        both = queries.codes, queries.features()
        return rank_run(run, dataset, cache, ranking, both, database)

    ranked = _or_refused(run, "ranking", rank)
    evaluation = evaluate_similarities(
        ranked.similarities,
        *queries.labels,
        run.spec.evaluation_protocol(),
        bytes_per_item=database[0].packed.shape[1],
        nearest=queries.nearest,
        on_progress=on_progress,
    )
    costs = {
        "ranking": ranking,
        "bits": database[0].bits,
        "codes": code_statistics(database[0]),
        "cold_bytes_per_item": ranked.cold_bytes,
        "timings": {"search_s": ranked.search_s},
    }
    return replace(evaluation, report=evaluation.report.model_copy(update=costs))


def _encode_copies(
    run: Run,
    dataset: RetrievalDataset,
    database: Indices,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress,
) -> tuple[Copies, HashCodes, NDArray[np.float32]]:
    """Edited images with codes and features; the codes are stored beside the others of the run.

    Raises:
        MeasurementError: no image, or not the network that encodes them, can be read.
    """
    import torch  # a run by labels needs none

    learned = run.spec.finetune is not None
    try:
        copies, features = copy_features(
            dataset,
            database,
            run.load_backbone() if learned else cache.backbone,
            settings,
            "" if learned else cache.folder.name,
            partial(on_progress, "copies"),
        )
        codes = run.load_method().encode(torch.from_numpy(np.array(features)))
    except (ImageError, RunError, RuntimeError) as error:
        raise MeasurementError(run, f"its copies cannot be encoded: {sentence(error)}") from error
    run.save_codes(CODES, codes, copies.rows)
    return copies, codes, features


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
