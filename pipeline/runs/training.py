"""Training of one run: what the method may see, what is kept to watch it, and the fit itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backbones.base import Backbone
from models.checkpoint import Checkpoints
from models.deep import DeepHashMethod
from models.finetuning import Images, TrainableBackbone
from models.method import EpochLog, HashMethod, OnEpoch, TrainingSet
from models.registry import get_method
from models.training import OnStep, ignore_step
from pipeline.augment import augmented
from pipeline.datasets.dataset import DatasetError, RetrievalDataset
from pipeline.datasets.split import Indices, Split
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import Labels, hamming_histograms
from pipeline.features import embedded
from pipeline.progress import Progress, StageProgress, ignore_progress
from pipeline.runs.registry import Run
from pipeline.runs.spec import RunSpec
from pipeline.settings import Settings

Features = NDArray[np.float32]
_WATCHED = 500, 5000  # most validation images, and training images that they are ranked against
_WATCHED_TUNED = 100, 400  # the same where each has to be embedded anew


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
    card = get_method(spec.method).card
    views = tuple(torch.from_numpy(np.array(view)) for view in (features[split.train], *augmented))
    if card.supervision != "supervised":
        return TrainingSet(views)
    labels = dataset.labels(dataset.label_set(spec.label_set))[split.train]
    return TrainingSet(views, torch.from_numpy(labels))


def held_out(dataset: RetrievalDataset, split: Split, spec: RunSpec) -> tuple[Split, Indices]:
    """The split with validation images taken out of its training set, and their rows.

    They are never queries. Images of one group stay on one side. They remain in the database.

    Raises:
        DatasetError: there are no labels to measure with, or too few images.
    """
    if not spec.validation:
        return split, split.train[:0]
    if not dataset.info.label_sets:
        raise DatasetError(f"validation needs labels, and {spec.dataset!r} has none; set it to 0")
    rng = np.random.default_rng(spec.split_seed)
    groups = dataset.manifest["group"].to_numpy()[split.train]
    wanted = min(round(spec.validation * len(split.train)), _WATCHED[0])
    shuffled = rng.permutation(np.unique(groups))
    sizes = np.cumsum([np.count_nonzero(groups == group) for group in shuffled])
    is_kept = np.isin(groups, shuffled[: np.searchsorted(sizes, wanted) + 1])
    if not 0 < np.count_nonzero(is_kept) < len(groups) - 1:
        raise DatasetError(
            f"{len(split.train)} training images are too few to keep a share of "
            f"{spec.validation:g} for validation; set it to 0"
        )
    return replace(split, train=split.train[~is_kept]), split.train[is_kept]


@dataclass(frozen=True)
class ValidationMonitor:
    """Measures the codes of validation images against training images, epoch by epoch."""

    features: Callable[[Indices], Features]
    labels: Labels
    queries: Indices
    others: Indices

    @classmethod
    def of(
        cls,
        dataset: RetrievalDataset,
        spec: RunSpec,
        rows: Indices,
        train: Indices,
        features: Callable[[Indices], Features],
    ) -> ValidationMonitor | None:
        """None where nothing was held out; large sets are sampled."""
        if not len(rows):
            return None
        rng = np.random.default_rng(spec.split_seed)
        most_queries, most_others = _WATCHED_TUNED if spec.finetune else _WATCHED
        labels = dataset.labels(dataset.label_set(spec.label_set))
        queries = rng.permutation(rows)[:most_queries]
        return cls(features, labels, queries, rng.permutation(train)[:most_others])

    def mean_average_precision(self, method: HashMethod) -> float:
        """Mean AP over all ranks, in [0, 1], of the method as it is now."""
        queries, others = (
            method.encode(torch.from_numpy(np.array(self.features(rows))))
            for rows in (self.queries, self.others)
        )
        counts = hamming_histograms(
            queries, others, self.labels[self.queries], self.labels[self.others]
        )
        return float(average_precision(counts).mean())


def trainable_backbone(
    dataset: RetrievalDataset, train: Indices, spec: RunSpec, backbone: Backbone, settings: Settings
) -> TrainableBackbone | None:
    """The backbone as something that learns; None where it is frozen.

    Args:
        dataset: gives the images.
        train: rows of the training images.
        spec: says how it learns.
        backbone: changed from here on.
        settings: give device and threads.

    Raises:
        ValueError: there is no such device, or the backbone has fewer stages than shall learn.
    """
    if spec.finetune is None:
        return None
    if settings.device != "cpu" and not torch.cuda.is_available():
        raise ValueError(
            f"HASHLENS_DEVICE is {settings.device!r}, but torch finds no GPU; set it to 'cpu'"
        )
    return TrainableBackbone(
        backbone,
        _images(dataset, train, backbone, settings.threads),
        spec.finetune,
        settings.device,
    )


def embed(
    backbone: Backbone,
    dataset: RetrievalDataset,
    rows: Indices,
    on_progress: Progress = ignore_progress,
) -> Features:
    """Features (n, d) of images by a backbone that is not in the cache, since it has learned."""
    done, parts = 0, [np.zeros((0, backbone.dim), np.float32)]
    for batch, features in embedded(backbone, dataset.load_image, rows.tolist()):
        done += len(batch)
        parts.append(features)
        on_progress(done, len(rows))
    return np.concatenate(parts)


def fit_method(
    run: Run,
    train: TrainingSet,
    on_progress: StageProgress,
    *,
    monitor: ValidationMonitor | None = None,
    trunk: TrainableBackbone | None = None,
) -> HashMethod:
    """A new method of the run's spec, fitted; resumes from the run's checkpoint."""
    method = get_method(run.spec.method)(
        run.spec.bits, run.spec.method_config(), seed=run.spec.seed
    )
    earlier_s = trained_s(run)
    on_progress("training", 0, 1)

    def log(epoch: EpochLog) -> None:
        measured = {}
        if monitor is not None and method.state:
            measured["validation_map"] = monitor.mean_average_precision(method)
        if not isinstance(method, DeepHashMethod):  # the others report every step themselves
            on_progress("training", epoch.epoch, epoch.n_epochs)
        run.log_epoch(replace(epoch, seconds=epoch.seconds + earlier_s), **measured)

    fit(
        method,
        train,
        on_epoch=log,
        on_step=lambda done, total: on_progress("training", done, total),
        checkpoints=run.checkpoints(),
        trunk=trunk,
    )
    run.update(chosen=method.chosen)
    on_progress("training", 1, 1)
    return method


def fit(
    method: HashMethod,
    train: TrainingSet,
    *,
    on_epoch: OnEpoch,
    on_step: OnStep = ignore_step,
    checkpoints: Checkpoints | None = None,
    trunk: TrainableBackbone | None = None,
) -> None:
    """Fit a method of either kind; one without mini-batches has no steps and no checkpoints."""
    if isinstance(method, DeepHashMethod):
        method.fit(train, on_epoch=on_epoch, on_step=on_step, checkpoints=checkpoints, trunk=trunk)
    else:
        method.fit(train, on_epoch=on_epoch)


def trained_s(run: Run) -> float:
    """Seconds that an earlier attempt has trained, as far as this one resumes from it."""
    history = run.history()
    return float(str(history[-1]["seconds"])) if history else 0.0


def _images(dataset: RetrievalDataset, train: Indices, backbone: Backbone, threads: int) -> Images:
    """Decodes training images, plain or augmented, several at a time."""
    digests = dataset.manifest["sha256"]
    pool = ThreadPoolExecutor(threads)

    def prepared(row: int, view: int) -> Tensor:
        image = dataset.load_image(row)
        return backbone.preprocess(
            augmented(image, str(digests.iloc[row]), view) if view else image
        )

    def load(numbers: list[int], view: int) -> Tensor:
        rows = [int(train[number]) for number in numbers]
        return torch.stack(list(pool.map(lambda row: prepared(row, view), rows)))

    return load
