"""execute(run): all stages of one experiment, in order. The command line and the worker call it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones import load_backbone
from models.codes import HashCodes
from models.method import EpochLog, HashMethod, MethodCard, TrainingSet
from models.registry import get_method
from pipeline.datasets.base import DatasetError, LabelSet, RetrievalDataset, load_dataset
from pipeline.datasets.split import Split, make_split
from pipeline.evaluation import evaluate, evaluate_cosine, leave_out
from pipeline.features import FeatureCache
from pipeline.files import write_atomic
from pipeline.report import Evaluation, Report
from pipeline.runs import Run
from pipeline.settings import Settings
from pipeline.spec import RunSpec

Features = NDArray[np.float32]
StageProgress = Callable[[str, int, int], None]


def ignore_progress(_stage: str, _done: int, _total: int) -> None:
    """The progress callback that does nothing."""


def execute(run: Run, settings: Settings, on_progress: StageProgress = ignore_progress) -> None:
    """Features, training, codes and evaluation of one run; everything lands in its folder.

    Args:
        run: queued, or being repeated after a failure.
        settings: where data sets and caches are.
        on_progress: called with the stage, steps done and steps in all.

    Raises:
        Cancelled: someone asked the run to stop.
        RunBusy: another process executes it.
        Exception: whatever a stage raises, after it is stored in the run's status.
    """
    spec = run.spec

    def report(stage: str, done: int, total: int) -> None:
        on_progress(stage, done, total)
        run.check_cancelled()

    with run.started():
        dataset = load_dataset(spec.dataset, settings)
        run.update(dataset_fingerprint=dataset.info.fingerprint)
        label_set = chosen_labels(dataset, spec)
        split = make_split(dataset, spec.evaluation_protocol(), label_set, spec.split_seed)
        with run.stage("features"):
            cache = FeatureCache(load_backbone(spec.backbone), settings)

            def extracted(done: int, total: int) -> None:
                report("features", done, total)

            features = cache.get(dataset, extracted)
            n_augmented = get_method(spec.method).card.views - 1
            augmented = cache.augmented_views(dataset, split.train, n_augmented, extracted)
        with run.stage("training"):
            train = training_set(dataset, features, split, spec, augmented)
            method = fit_method(run, train, report)
        with run.stage("encoding"):
            query_codes, database_codes = encode_split(method, features, split)
        with run.stage("codes"):
            run.save_method(method)
            run.save_codes("query", query_codes, split.query)
            run.save_codes("database", database_codes, split.database)
        if label_set is not None:
            with run.stage("evaluation"):
                evaluate_run(run, dataset, settings, cache, report)


def chosen_labels(dataset: RetrievalDataset, spec: RunSpec) -> LabelSet | None:
    """The label set of the spec; None for an unlabelled data set and an unsupervised method.

    Raises:
        DatasetError: the method needs labels that the data set does not have.
    """
    if dataset.info.label_sets:
        return dataset.label_set(spec.label_set)
    card = get_method(spec.method).card
    if card.supervision == "supervised":
        raise DatasetError(f"{card.title} needs labels, and {spec.dataset!r} has none")
    return None


def training_set(
    dataset: RetrievalDataset,
    features: Features,
    split: Split,
    spec: RunSpec,
    augmented: tuple[Features, ...] = (),
) -> TrainingSet:
    """What the method may see: labels only when its card says supervised.

    Args:
        dataset: gives the labels.
        features: of all its plain images.
        split: gives the training images.
        spec: gives the method and the label set.
        augmented: features of further views of the training images.
    """
    card: MethodCard = get_method(spec.method).card
    views = tuple(torch.from_numpy(np.array(view)) for view in (features[split.train], *augmented))
    if card.supervision != "supervised":
        return TrainingSet(views)
    labels = dataset.labels(dataset.label_set(spec.label_set))[split.train]
    return TrainingSet(views, torch.from_numpy(labels))


def fit_method(run: Run, train: TrainingSet, on_progress: StageProgress) -> HashMethod:
    """A new method of the run's spec, fitted."""
    spec = run.spec
    method = get_method(spec.method)(spec.bits, spec.method_config(), seed=spec.seed)

    def log(epoch: EpochLog) -> None:
        on_progress("training", epoch.epoch, epoch.n_epochs)
        run.log_epoch(epoch)

    on_progress("training", 0, 1)
    method.fit(train, on_epoch=log)
    on_progress("training", 1, 1)
    return method


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

    Raises:
        RunError: the codes are not there, or the data set has other content by now.
    """
    spec = run.spec
    run.check_dataset(*dataset.info.fingerprints)
    query_codes, query = run.load_codes("query")
    database_codes, database = run.load_codes("database")
    labels = dataset.labels(dataset.label_set(spec.label_set))
    began = time.perf_counter()
    evaluation = evaluate(
        query_codes,
        database_codes,
        labels[query],
        labels[database],
        spec.evaluation_protocol(),
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
    cosine_report(spec, dataset, settings, cache)
    return evaluation


def cosine_report(
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache | None = None,
    *,
    without: str = "",
) -> Report | None:
    """The real-valued cosine ranking under the spec's protocol: the row every table carries.

    Measured once per data set, backbone, protocol and split seed, then read from disk.

    Args:
        spec: gives backbone, protocol, label set and split seed.
        dataset: the data set of the spec.
        settings: where the stored reports are.
        cache: features to measure it with; None: only look it up, and return None when absent.
        without: a label that relevance leaves out; empty: none.
    """
    protocol = spec.evaluation_protocol()
    label_set = dataset.label_set(spec.label_set)
    parts = (dataset.info.fingerprint, spec.backbone, protocol.model_dump_json(), label_set.name)
    named = [*parts, str(spec.split_seed), *([without] if without else [])]
    key = hashlib.sha256("|".join(named).encode()).hexdigest()[:24]
    path = settings.home / "baselines" / f"cosine-{key}.json"
    if path.is_file():
        return Report.model_validate_json(path.read_text("utf-8"))
    if cache is None:
        return None
    split = make_split(dataset, protocol, label_set, spec.split_seed)
    features, labels = cache.get(dataset), dataset.labels(label_set)
    mean = np.asarray(features[split.train]).mean(axis=0)
    queries, query_labels, database_labels = (
        split.query,
        labels[split.query],
        labels[split.database],
    )
    if without:
        kept, query_labels, database_labels = leave_out(
            label_set.column(without), query_labels, database_labels
        )
        queries = queries[kept]
    report = evaluate_cosine(
        features[queries] - mean,
        features[split.database] - mean,
        query_labels,
        database_labels,
        protocol,
    ).report
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, report.model_dump_json(indent=2))
    return report
