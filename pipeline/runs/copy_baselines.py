"""How well copies are found without a hash method: by the features' cosine, by perceptual hash.

baselines/cosine-<key>.json, phash-<key>.json, dhash-<key>.json   the reports
baselines/copies-<key>.npz                      what was measured of each copy
"""

from __future__ import annotations

import io
import logging
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.codes import HashCodes
from pipeline.edits import edited
from pipeline.evaluation.evaluate import evaluate, evaluate_cosine
from pipeline.evaluation.report import Evaluation, Report
from pipeline.features import FeatureCache
from pipeline.files import keep
from pipeline.images import ImageError
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.baseline_files import baseline_path, keep_baseline, stored_baseline
from pipeline.runs.copies import Copies, copies_path, copy_features, draw_copies
from pipeline.runs.cosine_neighbours import CentredFeatures, mean_features
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.image_descriptors import described, difference_signs, perceptual_hash
from pipeline.settings import Settings
from pipeline.stored_features import features_name
from pipeline.sums import check_sum

COSINE, PHASH, DHASH = "cosine", "phash", "dhash"
HASHES = {PHASH: perceptual_hash, DHASH: difference_signs}
VALUES = ("recall_at_1", "recall_at_10", "first_relevant")  # metrics that are kept of each copy
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class CopyValues:
    """What was measured of each copy.

    Attributes:
        copies: the n copies.
        values: (n,) values of each metric of `VALUES`, by name.
    """

    copies: Copies
    values: dict[str, NDArray[np.float64]]


def copies_by_cosine(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache | None,
    on_progress: Progress = ignore_progress,
) -> Report | None:
    """Measure or look up how the features themselves find the copies; as `cosine_report`."""
    path = baseline_path(COSINE, truth, settings, truth.spec.backbone)
    if (stored := stored_baseline(path)) is not None or cache is None:
        return stored
    database, features = truth.split.database, cache.get(truth.dataset)
    copies, queries = copy_features(
        truth.dataset, database, cache.backbone, settings, cache.folder.name, on_progress
    )
    mean = mean_features(features, truth.split.train)
    evaluation = evaluate_cosine(
        queries - mean,
        CentredFeatures(features, database, mean),
        *copies.labels(database),
        truth.protocol,
    )
    _keep(evaluation, copies, truth, settings, _cosine_of(truth, settings))
    return keep_baseline(evaluation.report, path)


def copies_by_hash(
    truth: GroundTruth,
    settings: Settings,
    *,
    kind: str = PHASH,
    measure: bool = False,
    on_progress: Progress = ignore_progress,
) -> Report | None:
    """Measure or look up how a hash of pictures finds the copies.

    Args:
        truth: whose relevance is copies.
        settings: say where the reports are.
        kind: one of `HASHES`.
        measure: read all images of the database when there is no stored report.
        on_progress: called with images read and images in all.
    """
    path = baseline_path(kind, truth, settings)
    if (stored := stored_baseline(path)) is not None or not measure:
        return stored
    dataset, database = truth.dataset, truth.split.database
    copies = draw_copies(dataset, database)
    try:
        items = described(dataset, database, HASHES[kind], settings.threads, on_progress)
    except ImageError as error:
        _log.warning("the baseline %s is not measured: %s", kind, error)
        return None
    images = (
        edited(dataset.load_image(int(row)), int(edit))
        for row, edit in zip(copies.rows, copies.edits, strict=True)
    )
    queries = np.stack([HASHES[kind](image) for image in images])
    evaluation = evaluate(
        HashCodes.from_relaxed(queries),
        HashCodes.from_relaxed(items),
        *copies.labels(database),
        truth.protocol,
    )
    _keep(evaluation, copies, truth, settings, kind)
    return keep_baseline(evaluation.report, path)


def copy_values(truth: GroundTruth, settings: Settings, kind: str) -> CopyValues | None:
    """What was measured of each copy with the baselines; None where they were not.

    Args:
        truth: gives images and split.
        settings: say where the values are.
        kind: `COSINE` or one of `HASHES`.
    """
    copies = draw_copies(truth.dataset, truth.split.database)
    kind = _cosine_of(truth, settings) if kind == COSINE else kind
    path = copies_path(truth.dataset, copies, settings, kind)
    try:
        check_sum(path)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values = {name: stored[name] for name in VALUES}
            return CopyValues(Copies(stored["rows"], stored["edits"]), values)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("the values of copies in %s cannot be read: %s", path, error)
        return None


def _cosine_of(truth: GroundTruth, settings: Settings) -> str:
    return f"{COSINE} {features_name(truth.spec.backbone, settings)}"


def _keep(
    evaluation: Evaluation, copies: Copies, truth: GroundTruth, settings: Settings, kind: str
) -> None:
    content, drawn = io.BytesIO(), draw_copies(truth.dataset, truth.split.database)
    kept: dict[str, Any] = {name: evaluation.values[name] for name in VALUES}
    np.savez(content, rows=copies.rows, edits=copies.edits, **kept)
    path = copies_path(truth.dataset, drawn, settings, kind)
    keep(path, content.getvalue())
