"""Training of one run: what the method may see, what is kept to watch it, and the fit itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
import torch.distributed as dist
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
from pipeline.datasets.dataset import RetrievalDataset
from pipeline.datasets.split import Indices, Split
from pipeline.embedding import embedded
from pipeline.progress import Progress, StageProgress, ignore_progress
from pipeline.runs.checkpoints import SharedCheckpoints
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.runs.validation import ValidationMonitor
from pipeline.settings import Settings

Features = NDArray[np.float32]


def training_set(
    dataset: RetrievalDataset,
    features: Features,
    split: Split,
    spec: RunSpec,
    augmented: tuple[Features, ...] = (),
) -> TrainingSet:
    """Training set as the method may see it: labels only when its card says supervised.

    Args:
        dataset: gives the labels.
        features: features of all its plain images.
        split: gives the training images.
        spec: gives the method and the label set.
        augmented: features of further views of the training images.
    """
    card = get_method(spec.method).card
    own = (np.require(view, requirements="W") for view in (features[split.train], *augmented))
    views = tuple(map(torch.from_numpy, own))  # copied once: what is stored cannot be written
    if card.supervision != "supervised":
        return TrainingSet(views)
    labels = dataset.labels(dataset.label_set(spec.label_set))[split.train]
    return TrainingSet(views, torch.from_numpy(labels))


def trainable_backbone(
    dataset: RetrievalDataset, train: Indices, spec: RunSpec, backbone: Backbone, settings: Settings
) -> TrainableBackbone | None:
    """The backbone as something that learns; None where it is frozen.

    Args:
        dataset: gives the images.
        train: rows of the training images.
        spec: says how it learns.
        backbone: changed from here on.
        settings: give the threads.

    Raises:
        ValueError: the backbone has fewer stages than shall learn.
    """
    if spec.finetune is None:
        return None
    images = _images(dataset, train, backbone, settings.threads)
    return TrainableBackbone(backbone, images, spec.finetune)


def embed(
    backbone: Backbone,
    dataset: RetrievalDataset,
    rows: Indices,
    on_progress: Progress = ignore_progress,
) -> Features:
    """Features (n, d) of images by a backbone that is not in the cache, since it has learned."""
    done, every = 0, np.empty((len(rows), backbone.dim), np.float32)
    for batch, features in embedded(backbone, dataset.load_image, rows.tolist()):
        every[done : done + len(batch)] = features
        done += len(batch)
        on_progress(done, len(rows))
    return every


def fit_method(
    run: Run,
    train: TrainingSet,
    on_progress: StageProgress,
    *,
    monitor: ValidationMonitor | None = None,
    trunk: TrainableBackbone | None = None,
    device: str = "cpu",
) -> HashMethod:
    """A new method of the run's spec, fitted on a device; resumes from the run's checkpoint."""
    checkpoints: Checkpoints = run.checkpoints()
    if dist.is_available() and dist.is_initialized():
        checkpoints = SharedCheckpoints(run.folder.parent, run.checkpoints(), device)
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
        checkpoints=checkpoints,
        trunk=trunk,
        device=device,
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
    device: str = "cpu",
) -> None:
    """Fit a method of either kind; one without mini-batches has no steps and no checkpoints.

    Such a method is linear algebra of a sample, in double precision on the CPU.
    """
    if isinstance(method, DeepHashMethod):
        method.fit(
            train,
            on_epoch=on_epoch,
            on_step=on_step,
            checkpoints=checkpoints,
            trunk=trunk,
            device=device,
        )
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
