"""Codes of a run's images, made again from the images by the run's own network."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray

from models.codes import HashCodes
from models.errors import WeightsError
from pipeline.backbones import load_backbone
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.features import FeatureCache
from pipeline.index.search import Encoded, encode_image
from pipeline.progress import Progress, ignore_progress
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.runs.training import embed
from pipeline.settings import Settings
from pipeline.stored_features import FeaturesMissing, find_stored

N_SAMPLED = 20
# Nearer to the threshold than this share of the median output, a bit may turn when another machine
# or another batch adds in another order.
_ROUNDING = 0.02


def encode_rows(
    run: Run,
    dataset: RetrievalDataset,
    rows: NDArray[np.int64],
    settings: Settings,
    on_progress: Progress = ignore_progress,
) -> HashCodes:
    """Codes of the images in these manifest rows (n,), as the run encoded its own.

    Features of a frozen backbone are cached, and serve without its weights; a backbone that has
    learned belongs to one run.

    Raises:
        RunError: the run has no usable method or backbone.
        WeightsError: the weights of the backbone are missing, and features of some images are.
        ImageError: an image is gone or has changed.
    """
    if run.spec.finetune is None:
        features = _frozen_features(run.spec.backbone, dataset, rows, settings, on_progress)
    else:
        features = embed(run.load_backbone(), dataset, rows, on_progress)
    return run.load_method().encode_rows(features, np.arange(len(features)))


def encode_stored(run: Run, dataset: RetrievalDataset, row: int, settings: Settings) -> Encoded:
    """An image of the data set as a query, by its cached features where the backbone is frozen.

    Raises:
        RunError: the run has no usable method or backbone.
        WeightsError: as for `encode_rows`.
        ImageError: the image is gone or has changed.
    """
    if run.spec.finetune is not None:
        return encode_image(dataset.load_image(row), run.load_backbone(), run.load_method())
    began, rows = time.perf_counter(), np.array([row])
    features = _frozen_features(run.spec.backbone, dataset, rows, settings, ignore_progress)
    with torch.inference_mode():
        relaxed = run.load_method().relax(torch.from_numpy(np.array(features))).numpy()
    seconds = time.perf_counter() - began
    return Encoded(
        HashCodes.from_relaxed(relaxed), seconds, relaxed=relaxed[0], features=features[0]
    )


def _frozen_features(
    name: str,
    dataset: RetrievalDataset,
    rows: NDArray[np.int64],
    settings: Settings,
    on_progress: Progress,
) -> NDArray[np.float32]:
    try:
        backbone = load_backbone(name, settings)
    except WeightsError:
        stored = find_stored(name, settings)
        if stored is None:
            raise
        with suppress(FeaturesMissing):
            return stored.read(dataset, rows)
        raise
    return FeatureCache(backbone, settings).get(dataset, on_progress, images=rows)


def differing_rows(
    run: Run, dataset: RetrievalDataset, codes: HashCodes, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows, among a sample of images, that the run's network encodes otherwise than stored.

    The images themselves are read, not their cached features, unless these are own vectors. Bits
    that a rounding error turns do not count.

    Args:
        run: run with its method.
        dataset: data set of the run.
        codes: stored (n).
        rows: manifest rows (n,) of the codes; `N_SAMPLED` of them are looked at, evenly spread.

    Raises:
        RunError: the run has no usable method or backbone.
        ImageError: an image is gone or has changed.
    """
    sample = np.unique(np.linspace(0, len(rows) - 1, N_SAMPLED).astype(int))
    try:
        backbone = run.load_backbone()
    except WeightsError as error:
        raise RunError(f"run {run.id}: {error}") from error
    if backbone.refusal:  # own vectors: what is stored is all there is
        features = FeatureCache(backbone, run.library).get(dataset, images=rows[sample])
    else:
        features = embed(backbone, dataset, rows[sample])
    with torch.inference_mode():
        relaxed = run.load_method().relax(torch.from_numpy(np.array(features))).numpy()
    is_other = (relaxed >= 0) != (codes[sample].signs() > 0)
    is_clear = np.abs(relaxed) > _ROUNDING * np.median(np.abs(relaxed))
    changed: NDArray[np.int64] = rows[sample][(is_other & is_clear).any(axis=1)]
    return changed
