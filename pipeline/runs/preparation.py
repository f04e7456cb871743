"""prepare(): labels, split, features and training set of a run, made from its spec alone."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from models.finetuning import TrainableBackbone
from models.method import TrainingSet
from models.registry import get_method
from pipeline.backbones import load_backbone
from pipeline.datasets.dataset import DatasetError, LabelSet, RetrievalDataset
from pipeline.datasets.split import Indices, Split, make_split
from pipeline.features import FeatureCache
from pipeline.files import check_room
from pipeline.progress import StageProgress
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.requirements import why_not
from pipeline.runs.run import Run
from pipeline.runs.spec import RunSpec
from pipeline.runs.training import Features, embed, trainable_backbone, training_set
from pipeline.runs.validation import ValidationMonitor, held_out, with_unlabelled
from pipeline.settings import Settings

_ROW_BYTES = 8  # beside a code: its manifest row
_RUN_BYTES = 60_000_000  # weights, checkpoint, report and curves of a large run
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedRun:
    """Inputs of the training of a run, made from its spec alone.

    Attributes:
        dataset: the data set.
        label_set: labels that decide relevance; None for an unlabelled data set.
        split: split with the validation images taken out of the training set, and for a method
            that needs no labels images without one in it.
        n_unlabelled: these.
        features: (n, d) of all images by the frozen backbone.
        cache: cache that holds them.
        train: training set that the method may see.
        monitor: measures validation images; None where none are held out.
        trunk: the backbone that learns; None where it is frozen.
    """

    dataset: RetrievalDataset
    label_set: LabelSet | None
    split: Split
    n_unlabelled: int
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
        OSError: the disk cannot hold the features that are not stored yet, and the run.
    """
    label_set = chosen_labels(dataset, spec)
    whole = make_split(dataset, spec.evaluation_protocol(), label_set, spec.split_seed)
    labelled, validation = held_out(dataset, whole, spec)
    card, split = get_method(spec.method).card, labelled
    if card.supervision != "supervised":
        split = with_unlabelled(dataset, labelled, spec, label_set, validation)
    if len(split.train) == spec.max_train < len(whole.train):
        whole_n = len(whole.train)
        _log.warning("trains on %d of %d images, drawn by class", spec.max_train, whole_n)
    cache = FeatureCache(load_backbone(spec.backbone, settings), settings)

    def extracted(done: int, total: int) -> None:
        on_progress("features", done, total)

    n_views = card.views - 1
    lacking = cache.lacking_bytes(dataset, split.train, n_views)
    check_room(settings.home, lacking + len(dataset) * (spec.bits // 8 + _ROW_BYTES) + _RUN_BYTES)
    features = cache.get(dataset, extracted)
    augmented = cache.augmented_views(dataset, split.train, n_views, extracted)
    train = training_set(dataset, features, split, spec, augmented)
    trunk = None
    if spec.finetune:
        # Another one: the cache keeps the one as it is published.
        backbone = load_backbone(spec.backbone, settings)
        trunk = trainable_backbone(dataset, split.train, spec, backbone, settings)

    def features_now(rows: Indices) -> Features:
        return features[rows] if trunk is None else embed(trunk.backbone, dataset, rows)

    monitor = ValidationMonitor.of(dataset, spec, validation, labelled.train, features_now)
    n_unlabelled = len(split.train) - len(labelled.train)
    return PreparedRun(
        dataset, label_set, split, n_unlabelled, features, cache, train, monitor, trunk
    )


def chosen_labels(dataset: RetrievalDataset, spec: RunSpec) -> LabelSet | None:
    """The label set of the spec; None for an unlabelled data set and an unsupervised method.

    Raises:
        DatasetError: the method cannot train on this data set.
    """
    reason = why_not(get_method(spec.method).card, dataset.info, spec.label_set)
    if reason:
        raise DatasetError(reason)
    return relevance_labels(dataset, spec)


def as_executed(run: Run, dataset: RetrievalDataset) -> RetrievalDataset:
    """A data set without the images that came after a run, whose split is drawn without them."""
    sizes = dict(dataset.info.grown_from)
    n_before = sizes.get(run.status().dataset_fingerprint, len(dataset))
    return RetrievalDataset(dataset.info, dataset.manifest.iloc[:n_before], dataset.folder)
