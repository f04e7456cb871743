"""Validation images: which are held out of the training set, and how codes are measured on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.method import HashMethod
from pipeline.datasets.dataset import DatasetError, LabelSet, RetrievalDataset
from pipeline.datasets.split import (
    Indices,
    Split,
    first_labels,
    sample_by_class,
    trainable_unlabelled,
)
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import Labels, hamming_histograms
from pipeline.runs.ground_truth import relevance_labels
from pipeline.runs.spec import RunSpec

_WATCHED = 500, 5000  # most validation images, and training images that they are ranked against
_WATCHED_TUNED = 100, 400  # the same where each has to be embedded again


def held_out(dataset: RetrievalDataset, split: Split, spec: RunSpec) -> tuple[Split, Indices]:
    """The split with at most `max_train` training images, less those for validation; their rows.

    They are never queries. Images of one group stay on one side. They remain in the database.

    Raises:
        DatasetError: there are no labels to measure with, or too few images.
    """
    split = _sampled(dataset, split, spec, relevance_labels(dataset, spec))
    if not spec.validation:
        return split, split.train[:0]
    if not dataset.info.label_sets:
        raise DatasetError(f"validation needs labels, and {spec.dataset!r} has none; set it to 0")
    rng = np.random.default_rng(spec.split_seed)
    groups = dataset.manifest["group"].to_numpy()[split.train]
    wanted = min(round(spec.validation * len(split.train)), _WATCHED[0])
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(sizes))
    enough = np.searchsorted(np.cumsum(sizes[shuffled]), wanted) + 1
    is_kept = np.isin(numbers, shuffled[:enough])
    if not 0 < np.count_nonzero(is_kept) < len(groups) - 1:
        raise DatasetError(
            f"{len(split.train)} training images are too few to keep a share of "
            f"{spec.validation:g} for validation; set it to 0"
        )
    return replace(split, train=split.train[~is_kept]), split.train[is_kept]


def with_unlabelled(
    dataset: RetrievalDataset,
    split: Split,
    spec: RunSpec,
    label_set: LabelSet | None,
    validation: Indices,
) -> Split:
    """The split with images without a label in its training set, as far as the protocol allows.

    Groups with a validation image stay out.
    """
    rows = trainable_unlabelled(
        dataset, spec.evaluation_protocol(), label_set, split, spec.split_seed
    )
    groups = dataset.manifest["group"].to_numpy()
    rows = rows[~np.isin(groups[rows], groups[validation])]
    split = replace(split, train=np.union1d(split.train, rows))
    return _sampled(dataset, split, spec, label_set)


def _sampled(
    dataset: RetrievalDataset, split: Split, spec: RunSpec, label_set: LabelSet | None
) -> Split:
    if not spec.max_train or len(split.train) <= spec.max_train:
        return split
    rng = np.random.default_rng(spec.split_seed)
    labels = first_labels(dataset, label_set)
    return replace(split, train=sample_by_class(split.train, labels, spec.max_train, rng))


@dataclass(frozen=True)
class ValidationMonitor:
    """Monitor of the codes of validation images, measured epoch by epoch."""

    features: Callable[[Indices], NDArray[np.float32]]
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
        features: Callable[[Indices], NDArray[np.float32]],
    ) -> ValidationMonitor | None:
        """Sample what is measured; return None where nothing was held out."""
        if not len(rows):
            return None
        rng = np.random.default_rng(spec.split_seed)
        most_queries, most_others = _WATCHED_TUNED if spec.finetune else _WATCHED
        labels = dataset.labels(dataset.label_set(spec.label_set))
        queries = rng.permutation(rows)[:most_queries]
        return cls(features, labels, queries, rng.permutation(train)[:most_others])

    def mean_average_precision(self, method: HashMethod) -> float:
        """Mean AP over all ranks, in [0, 1], of the method in its present state."""
        queries, others = (
            method.encode(torch.from_numpy(np.array(self.features(rows))))
            for rows in (self.queries, self.others)
        )
        counts = hamming_histograms(
            queries, others, self.labels[self.queries], self.labels[self.others]
        )
        return float(average_precision(counts).mean())
