"""execute(run): all stages of one experiment, in order. The command line and the worker call it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones.registry import load_backbone
from models.codes import HashCodes
from models.errors import Cancelled
from models.finetuning import TrainableBackbone
from models.method import HashMethod, TrainingSet
from models.registry import get_method
from pipeline import jobs
from pipeline.datasets.dataset import DatasetError, LabelSet, RetrievalDataset, load_dataset
from pipeline.datasets.split import Indices, Split, make_split
from pipeline.evaluation.evaluate import all_relevant, evaluate
from pipeline.evaluation.report import Evaluation
from pipeline.features import FeatureCache
from pipeline.jobs import HEARTBEAT, beating
from pipeline.progress import StageProgress, ignore_progress
from pipeline.runs.baselines import measure_baselines
from pipeline.runs.cosine_neighbours import cosine_neighbours
from pipeline.runs.log import logging_to
from pipeline.runs.registry import Run, RunError
from pipeline.runs.requirements import why_not
from pipeline.runs.spec import RunSpec
from pipeline.runs.training import (
    Features,
    ValidationMonitor,
    embed,
    fit_method,
    held_out,
    trainable_backbone,
    trained_s,
    training_set,
)
from pipeline.settings import Settings
from pipeline.wording import sentence

_log = logging.getLogger(__name__)


def execute(
    run: Run,
    settings: Settings,
    on_progress: StageProgress = ignore_progress,
    *,
    only_queued: bool = False,
) -> None:
    """Features, training, codes and evaluation of one run; everything lands in its folder.

    Args:
        run: queued, or being repeated after a failure.
        settings: where data sets and caches are.
        on_progress: called with the stage, steps done and steps in all.
        only_queued: leave a run alone that is not queued any more, for workers that compete.

    Raises:
        Cancelled: someone asked the run to stop.
        RunBusy: another process executes it.
        Exception: whatever a stage raises, after it is stored in the run's status.
    """
    report = _reporting(run, on_progress)
    with run.started(only_queued=only_queued):
        if problem := run.spec.problem():
            raise ValueError(f"run {run.id} was asked of another version: {problem}")
        dataset = load_dataset(run.spec.dataset, settings)
        run.adopt_dataset(dataset.info.fingerprint)
        with run.stage("features"):
            prepared = prepare(run.spec, dataset, settings, report)
        with run.stage("training", trained_s(run)):
            method = fit_method(
                run, prepared.train, report, monitor=prepared.monitor, trunk=prepared.trunk
            )
        with run.stage("encoding"):
            split, trunk = prepared.split, prepared.trunk
            features = prepared.features if trunk is None else embed_split(prepared, report)
            query_codes, database_codes = encode_split(method, features, split)
        with run.stage("codes"):
            run.save_method(method, dict(trunk.parameters) if trunk else None)
            run.save_codes("query", query_codes, split.query)
            run.save_codes("database", database_codes, split.database)
        reason = why_unmeasured(dataset, prepared.label_set, split)
        if reason:
            run.update(unmeasured=reason)
        else:
            with run.stage("evaluation"):
                evaluate_run(run, dataset, settings, prepared.cache, report)
    if not reason:
        follow_up(run, dataset, settings, prepared.cache, on_progress)


def follow_up(
    run: Run,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: StageProgress = ignore_progress,
) -> None:
    """Measure what a leaderboard sets beside a run, after the run is done and whatever comes of it.

    Its progress is in the run's status as the stage `baselines`, and it obeys a stop.
    """
    report = _reporting(run, on_progress)
    if not run.folder.is_dir():
        return  # deleted; the lock would make it anew
    try:
        with run.claimed(), beating(run.folder / HEARTBEAT), logging_to(run.folder) as log:
            run.update(stage="baselines", done=0, total=0)
            try:
                measure_baselines(run.spec, dataset, settings, cache, report)
            except Cancelled:
                log.info("stopped measuring the baselines on request")
            finally:
                jobs.forget_stop(run.folder)
                run.update(stage="", done=0, total=0)
    except (RunError, OSError) as error:  # deleted meanwhile, or taken up by another process
        _log.warning("baselines of run %s: %s", run.id, error)


@dataclass(frozen=True)
class PreparedRun:
    """What the training of a run needs, made from its spec alone.

    Attributes:
        dataset: the data set.
        label_set: labels that decide relevance; None for an unlabelled data set.
        split: with the validation images taken out of the training set.
        features: (n, d) of all images by the frozen backbone.
        cache: where they are.
        train: what the method may see.
        monitor: measures validation images; None where none are held out.
        trunk: the backbone that learns; None where it is frozen.
    """

    dataset: RetrievalDataset
    label_set: LabelSet | None
    split: Split
    features: Features
    cache: FeatureCache
    train: TrainingSet
    monitor: ValidationMonitor | None
    trunk: TrainableBackbone | None


def prepare(
    spec: RunSpec, dataset: RetrievalDataset, settings: Settings, on_progress: StageProgress
) -> PreparedRun:
    """Split, features and training set of a spec.

    Raises:
        DatasetError: the data set does not serve the spec; the message says why.
    """
    label_set = chosen_labels(dataset, spec)
    whole = make_split(dataset, spec.evaluation_protocol(), label_set, spec.split_seed)
    split, validation = held_out(dataset, whole, spec)
    cache = FeatureCache(load_backbone(spec.backbone), settings)

    def extracted(done: int, total: int) -> None:
        on_progress("features", done, total)

    features = cache.get(dataset, extracted)
    n_augmented = get_method(spec.method).card.views - 1
    augmented = cache.augmented_views(dataset, split.train, n_augmented, extracted)
    train = training_set(dataset, features, split, spec, augmented)
    trunk = None
    if spec.finetune:
        own = load_backbone(spec.backbone)  # the cache keeps the one as it is published
        trunk = trainable_backbone(dataset, split.train, spec, own, settings)

    def features_now(rows: Indices) -> Features:
        return features[rows] if trunk is None else embed(trunk.backbone, dataset, rows)

    monitor = ValidationMonitor.of(dataset, spec, validation, split.train, features_now)
    return PreparedRun(dataset, label_set, split, features, cache, train, monitor, trunk)


def embed_split(prepared: PreparedRun, on_progress: StageProgress) -> Features:
    """Features of queries and database by the backbone that has learned; other rows are 0."""
    assert prepared.trunk is not None
    rows = np.union1d(prepared.split.query, prepared.split.database)
    features = np.zeros((len(prepared.dataset), prepared.trunk.backbone.dim), np.float32)
    features[rows] = embed(
        prepared.trunk.backbone,
        prepared.dataset,
        rows,
        lambda done, total: on_progress("encoding", done, total),
    )
    return features


def _reporting(run: Run, on_progress: StageProgress) -> StageProgress:
    """Passes progress on, writes it into the run a few times a second, and obeys a stop."""
    note = jobs.Reporter(run.folder, f"run {run.id}", run.update)

    def report(stage: str, done: int, total: int) -> None:
        on_progress(stage, done, total)
        note(done, total)

    return report


def chosen_labels(dataset: RetrievalDataset, spec: RunSpec) -> LabelSet | None:
    """The label set of the spec; None for an unlabelled data set and an unsupervised method.

    Raises:
        DatasetError: the method cannot train on this data set.
    """
    reason = why_not(get_method(spec.method).card, dataset.info, spec.label_set)
    if reason:
        raise DatasetError(reason)
    return relevance_labels(dataset, spec)


def relevance_labels(dataset: RetrievalDataset, spec: RunSpec) -> LabelSet | None:
    """The label set that decides relevance, also where nothing could be trained any more.

    Raises:
        DatasetError: the data set does not have it.
    """
    return dataset.label_set(spec.label_set) if dataset.info.label_sets else None


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


def encode_split(
    method: HashMethod, features: Features, split: Split
) -> tuple[HashCodes, HashCodes]:
    """Codes of the query set and of the database, both by the network."""
    query, database = (
        method.encode(torch.from_numpy(np.array(features[rows])))
        for rows in (split.query, split.database)
    )
    return query, database


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
        dataset: of the run.
        settings: where the neighbours by cosine are kept.
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
    label_set = dataset.label_set(spec.label_set) if dataset.info.label_sets else None
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
