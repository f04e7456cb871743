"""Baselines: what a ranking is worth that learned nothing, or that saved no bits.

Each is a report measured once per data set, protocol and split seed, then read from the disk:

    cosine    the real-valued features, the row every table carries
    colour    the cosine of colour histograms: what a method must beat to know more than colours
    random    no order at all: the exact expectation, since all items are tied

Images and features are read in blocks, with progress, and a caller's callback can end it between
two of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import numpy as np

from models.codes import HashCodes
from models.errors import Cancelled
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.evaluation.evaluate import evaluate, evaluate_cosine
from pipeline.evaluation.relevance import COPIES, LABELS, exclude_label
from pipeline.evaluation.report import Report
from pipeline.features import FeatureCache
from pipeline.images import ImageError
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.baseline_files import baseline_path, keep_baseline, stored_baseline
from pipeline.runs.copy_baselines import DHASH, PHASH, copies_by_cosine, copies_by_hash
from pipeline.runs.cosine_neighbours import CentredFeatures, mean_features
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.image_descriptors import colour_histogram, described
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings
from pipeline.wording import sentence

_Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)


def cosine_report(
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache | None = None,
    *,
    relevance: str = LABELS,
    without: str = "",
    on_progress: Progress = ignore_progress,
) -> Report | None:
    """Measure or look up the real-valued cosine ranking: the row every table carries.

    It is measured once per data set, backbone, protocol and split seed, then read from disk.

    Args:
        spec: gives backbone, protocol, label set and split seed.
        dataset: data set of the spec.
        settings: say where the stored reports are.
        cache: features to measure it with; None: only look it up, and return None when absent.
        relevance: one of `RELEVANCES`.
        without: label that relevance leaves out; empty: none.
        on_progress: called with queries done and queries in all.
    """
    truth = GroundTruth(spec, dataset, settings, relevance)
    if relevance == COPIES:
        return copies_by_cosine(truth, settings, cache, on_progress)
    return _cosine_report(truth, settings, cache, without=without, on_progress=on_progress)


def random_report(
    spec: RunSpec, dataset: RetrievalDataset, settings: Settings, relevance: str = LABELS
) -> Report:
    """Expectation of every measure if images came in random order.

    All items get the same code, so that one tie holds the whole database, and ties are averaged.
    """
    truth = GroundTruth(spec, dataset, settings, relevance)
    path = baseline_path("random", truth, settings)
    if (stored := stored_baseline(path)) is not None:
        return stored
    query, database = (_equal_codes(len(labels)) for labels in truth.labels)
    return keep_baseline(evaluate(query, database, *truth.labels, truth.protocol).report, path)


def colour_report(
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    *,
    relevance: str = LABELS,
    measure: bool = False,
    on_progress: Progress = ignore_progress,
) -> Report | None:
    """Measure or look up the ranking by colour histograms: how far colours alone get.

    Args:
        spec: gives protocol, label set and split seed.
        dataset: data set of the spec.
        settings: say where the stored reports are.
        relevance: one of `RELEVANCES`.
        measure: read the images when there is no stored report, which takes a few milliseconds
            per image. Images that cannot be read leave the baseline unmeasured, with a message in
            the log.
        on_progress: called with images read and images in all.
    """
    truth = GroundTruth(spec, dataset, settings, relevance)
    return _colour_report(truth, settings, measure=measure, on_progress=on_progress)


def phash_report(spec: RunSpec, dataset: RetrievalDataset, settings: Settings) -> Report | None:
    """Look up how the perceptual hash finds copies; None where it was not measured."""
    return copies_by_hash(GroundTruth(spec, dataset, settings, COPIES), settings)


def measure_baselines(
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: _Progress,
    relevance: str = LABELS,
) -> None:
    """Measure the baselines of a spec that are not stored yet; what fails is logged, not raised.

    Args:
        spec: spec of a measured run.
        dataset: data set of the run.
        settings: say where reports are kept.
        cache: features of the run's backbone.
        on_progress: called with what is measured, steps done and steps in all.
        relevance: that the run was measured by.

    Raises:
        Cancelled: `on_progress` raises it, to stop between two blocks.
    """
    truth = GroundTruth(spec, dataset, settings, relevance)

    def cosine() -> None:
        _cosine_report(truth, settings, cache, on_progress=partial(on_progress, "cosine"))

    def colours() -> None:
        progress = partial(on_progress, "colours")
        _colour_report(truth, settings, measure=True, on_progress=progress)

    def copies() -> None:
        copies_by_cosine(truth, settings, cache, partial(on_progress, "copies"))

    def hashes() -> None:
        for kind, name in ((PHASH, "perceptual hashes"), (DHASH, "difference hashes")):
            progress = partial(on_progress, name)
            copies_by_hash(truth, settings, kind=kind, measure=True, on_progress=progress)

    for measure in (copies, hashes) if relevance == COPIES else (cosine, colours):
        try:
            measure()
        except Cancelled:
            raise
        except Exception as error:  # a run that is measured stays so, whatever is wrong here
            reason = sentence(error) or type(error).__name__
            _log.warning("the baseline %s is not measured: %s", measure.__name__, reason)


def _cosine_report(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache | None,
    *,
    without: str = "",
    on_progress: Progress,
) -> Report | None:
    path = baseline_path("cosine", truth, settings, truth.spec.backbone, without)
    if (stored := stored_baseline(path)) is not None:
        return stored
    if cache is None:
        return None
    features, queries = cache.get(truth.dataset), truth.split.query
    mean = mean_features(features, truth.split.train)
    query_labels, database_labels = truth.labels
    if without and truth.label_set is not None:
        kept, query_labels, database_labels = exclude_label(
            truth.label_set.column(without), query_labels, database_labels
        )
        queries = queries[kept]
    report = evaluate_cosine(
        features[queries] - mean,
        CentredFeatures(features, truth.split.database, mean),
        query_labels,
        database_labels,
        truth.protocol,
        on_progress=on_progress,
    ).report
    return keep_baseline(report, path)


def _colour_report(
    truth: GroundTruth, settings: Settings, *, measure: bool, on_progress: Progress
) -> Report | None:
    path = baseline_path("colour", truth, settings)
    if (stored := stored_baseline(path)) is not None:
        return stored
    if not measure:
        return None
    rows, n_query = (
        np.concatenate([truth.split.query, truth.split.database]),
        len(truth.split.query),
    )
    try:
        histograms = described(truth.dataset, rows, colour_histogram, settings.threads, on_progress)
    except ImageError as error:
        _log.warning("the baseline of colour histograms is not measured: %s", error)
        return None
    report = evaluate_cosine(
        histograms[:n_query],
        histograms[n_query:],
        *truth.labels,
        truth.protocol,
    ).report
    return keep_baseline(report, path)


def _equal_codes(n: int) -> HashCodes:
    return HashCodes(np.zeros((n, 1), np.uint8), 1)
