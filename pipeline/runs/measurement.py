"""evaluate_run(): report and curves of a run, measured from its stored codes."""

from __future__ import annotations

import logging
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.errors import Cancelled
from pipeline.datasets.dataset import LabelSet, RetrievalDataset
from pipeline.datasets.split import Indices, Split
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.relevance import all_relevant
from pipeline.evaluation.report import Evaluation
from pipeline.features import FeatureCache
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.cosine_neighbours import cosine_neighbours
from pipeline.runs.preparation import relevance_labels
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings
from pipeline.wording import sentence

_log = logging.getLogger(__name__)


def why_unmeasured(dataset: RetrievalDataset, label_set: LabelSet | None, split: Split) -> str:
    """Why labels cannot tell good codes from bad ones; empty when they can."""
    if label_set is None:
        return "the data set has no labels"
    labels = dataset.labels(label_set)
    if all_relevant(labels[split.query], labels[split.database]):
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
) -> Evaluation:
    """Measure the stored codes of a run and store report and curves; can be repeated.

    Args:
        run: whose codes are stored.
        dataset: data set of the run.
        settings: say where the neighbours by cosine are kept.
        cache: features of the run's backbone; where they are unavailable, the log says so, and what
            is measured against the neighbours by cosine is left out.
        on_progress: called with the stage, queries done and queries in all.

    Raises:
        RunError: the codes are not there, the data set has other content by now, or its labels
            cannot tell good codes from bad ones.
    """
    spec = run.spec
    run.check_dataset(*dataset.info.fingerprints)
    query_codes, query = run.load_codes("query")
    database_codes, database = run.load_codes("database")
    label_set = relevance_labels(dataset, spec)
    reason = why_unmeasured(dataset, label_set, Split(query, database, database))
    if label_set is None or reason:
        raise RunError(f"run {run.id} cannot be measured: {reason}")
    labels = dataset.labels(label_set)
    nearest = _nearest(dataset, query, database, settings, cache, on_progress)
    began = time.perf_counter()
    evaluation = evaluate(
        query_codes,
        database_codes,
        labels[query],
        labels[database],
        spec.evaluation_protocol(),
        nearest=nearest,
        on_progress=lambda done, total: on_progress("evaluation", done, total),
    )
    timings = {
        "training_s": run.status().timings.get("training", 0.0),
        "evaluation_s": round(time.perf_counter() - began, 3),
    }
    if "encoding" in run.status().timings:  # runs of earlier versions did not measure it
        timings["encoding_s"] = run.status().timings["encoding"]
    evaluation = Evaluation(
        evaluation.report.model_copy(update={"timings": timings}), evaluation.curves
    )
    run.save_evaluation(evaluation)
    return evaluation


def _nearest(
    dataset: RetrievalDataset,
    query: Indices,
    database: Indices,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress,
) -> NDArray[np.int64] | None:
    """The nearest images by cosine; None where features are unavailable, for labels need none."""
    try:
        return cosine_neighbours(
            dataset, query, database, settings, cache, partial(on_progress, "neighbours")
        )
    except Cancelled:
        raise
    except Exception as error:
        _log.warning("the neighbours by cosine are not known: %s", sentence(error))
        return None
