"""Baselines: what a ranking is worth that learned nothing, or that saved no bits.

Each is a report measured once per data set, protocol and split seed, then read from the disk:

    cosine    the real-valued features, the row every table carries
    colour    the cosine of colour histograms: what a method must beat to know more than colours
    random    no order at all: the exact expectation, since all items are tied

Images and features are read in blocks, with progress, and a caller's callback can end it between
two of them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from models.codes import HashCodes
from models.errors import Cancelled
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import make_split
from pipeline.evaluation.evaluate import evaluate, evaluate_cosine
from pipeline.evaluation.relevance import exclude_label
from pipeline.evaluation.report import Report, read_report
from pipeline.features import FeatureCache
from pipeline.files import write_atomic
from pipeline.images import ImageError
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.colour_histograms import colour_histograms
from pipeline.runs.cosine_neighbours import CentredFeatures, mean_features
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
    without: str = "",
    on_progress: Progress = ignore_progress,
) -> Report | None:
    """The real-valued cosine ranking under the spec's protocol: the row every table carries.

    Measured once per data set, backbone, protocol and split seed, then read from disk.

    Args:
        spec: gives backbone, protocol, label set and split seed.
        dataset: the data set of the spec.
        settings: where the stored reports are.
        cache: features to measure it with; None: only look it up, and return None when absent.
        without: a label that relevance leaves out; empty: none.
        on_progress: called with queries done and queries in all.
    """
    path = _path("cosine", spec, dataset, settings, spec.backbone, without)
    if (stored := _stored(path)) is not None:
        return stored
    if cache is None:
        return None
    protocol, label_set = spec.evaluation_protocol(), dataset.label_set(spec.label_set)
    split = make_split(dataset, protocol, label_set, spec.split_seed)
    features, labels = cache.get(dataset), dataset.labels(label_set)
    mean = mean_features(features, split.train)
    queries, query_labels, database_labels = (
        split.query,
        labels[split.query],
        labels[split.database],
    )
    if without:
        kept, query_labels, database_labels = exclude_label(
            label_set.column(without), query_labels, database_labels
        )
        queries = queries[kept]
    report = evaluate_cosine(
        features[queries] - mean,
        CentredFeatures(features, split.database, mean),
        query_labels,
        database_labels,
        protocol,
        on_progress=on_progress,
    ).report
    return _kept(report, path)


def random_report(spec: RunSpec, dataset: RetrievalDataset, settings: Settings) -> Report:
    """The expectation of every measure if images came in random order.

    All items get the same code, so that one tie holds the whole database, and ties are averaged.
    """
    path = _path("random", spec, dataset, settings)
    if (stored := _stored(path)) is not None:
        return stored
    protocol, label_set = spec.evaluation_protocol(), dataset.label_set(spec.label_set)
    split, labels = (
        make_split(dataset, protocol, label_set, spec.split_seed),
        dataset.labels(label_set),
    )
    report = evaluate(
        _equal_codes(len(split.query)),
        _equal_codes(len(split.database)),
        labels[split.query],
        labels[split.database],
        protocol,
    ).report
    return _kept(report, path)


def measure_baselines(
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    cache: FeatureCache,
    on_progress: _Progress,
) -> None:
    """Measure the baselines of a spec that are not stored yet; what fails is logged, not raised.

    Args:
        spec: of a measured run.
        dataset: of the run.
        settings: where reports are kept.
        cache: features of the run's backbone.
        on_progress: called with what is measured, steps done and steps in all.

    Raises:
        Cancelled: `on_progress` raises it, to stop between two blocks.
    """

    def cosine() -> None:
        cosine_report(spec, dataset, settings, cache, on_progress=partial(on_progress, "cosine"))

    def colours() -> None:
        report = partial(on_progress, "colours")
        colour_report(spec, dataset, settings, measure=True, on_progress=report)

    for measure in (cosine, colours):
        try:
            measure()
        except Cancelled:
            raise
        except Exception as error:  # a run that is measured stays so, whatever is wrong here
            reason = sentence(error) or type(error).__name__
            _log.warning("the baseline %s is not measured: %s", measure.__name__, reason)


def colour_report(
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    *,
    measure: bool = False,
    on_progress: Progress = ignore_progress,
) -> Report | None:
    """The ranking by colour histograms: how far colours alone get.

    Args:
        spec: gives protocol, label set and split seed.
        dataset: the data set of the spec.
        settings: where the stored reports are.
        measure: read the images when there is no stored report, which takes a few milliseconds
            per image. Images that cannot be read leave the baseline unmeasured, with a word in the
            log.
        on_progress: called with images read and images in all.
    """
    path = _path("colour", spec, dataset, settings)
    if (stored := _stored(path)) is not None:
        return stored
    if not measure:
        return None
    protocol, label_set = spec.evaluation_protocol(), dataset.label_set(spec.label_set)
    split = make_split(dataset, protocol, label_set, spec.split_seed)
    rows = np.concatenate([split.query, split.database])
    try:
        histograms = colour_histograms(dataset, rows, settings.threads, on_progress)
    except ImageError as error:
        _log.warning("the baseline of colour histograms is not measured: %s", error)
        return None
    labels, n_query = dataset.labels(label_set), len(split.query)
    report = evaluate_cosine(
        histograms[:n_query],
        histograms[n_query:],
        labels[split.query],
        labels[split.database],
        protocol,
    ).report
    return _kept(report, path)


def _equal_codes(n: int) -> HashCodes:
    return HashCodes(np.zeros((n, 1), np.uint8), 1)


def _path(
    kind: str,
    spec: RunSpec,
    dataset: RetrievalDataset,
    settings: Settings,
    backbone: str = "",
    without: str = "",
) -> Path:
    """Where the report of these images, labels, protocol and split is kept."""
    protocol, label_set = spec.evaluation_protocol(), dataset.label_set(spec.label_set)
    parts = (dataset.info.fingerprint, backbone, protocol.model_dump_json(), label_set.name)
    named = [*parts, str(spec.split_seed), *([without] if without else [])]
    key = hashlib.sha256("|".join(named).encode()).hexdigest()[:24]
    return settings.home / "baselines" / f"{kind}-{key}.json"


def _stored(path: Path) -> Report | None:
    """The report that was kept; None where there is none that this version can read."""
    try:
        return read_report(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("the baseline %s cannot be read: %s", path.name, sentence(error))
        return None


def _kept(report: Report, path: Path) -> Report:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, report.model_dump_json(indent=2))
    return report
