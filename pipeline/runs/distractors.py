"""The images that a database grows by, in an order of which every beginning is a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import DatasetError, RetrievalDataset, load_dataset
from pipeline.datasets.split import unlabelled_rows
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.growth_report import SUBSAMPLES, UNLABELLED
from pipeline.settings import Settings

if TYPE_CHECKING:  # torch, which the choice of distractors does without
    from pipeline.features import FeatureCache

UPWARDS = (1, 2, 5, 10, 20, 50, 100)  # times the database
DOWNWARDS = (0.01, 0.03, 0.1, 0.3, 1)  # shares of it
_FEWEST = 100  # images of a subsample


@dataclass(frozen=True, eq=False)
class Growth:
    """A database in the order in which it grows.

    Attributes:
        grows_by: `unlabelled`, `subsamples`, or a data set by name.
        order: places (n,) in the database of the split, first come first.
        features: of the distractors' data set (all its images).
        rows: (m,) rows of `features`, which come behind the database.
        sizes: images at each point; the last is everything.
        n_distractors: images that there are to add.
        n_same: distractors left out for having the content of a query or of another image.
    """

    grows_by: str
    order: NDArray[np.int64]
    features: NDArray[np.float32]
    rows: NDArray[np.int64]
    sizes: tuple[int, ...]
    n_distractors: int = 0
    n_same: int = 0


def usual_growth(truth: GroundTruth) -> str:
    """What a database grows by where nothing is named: what has no label, else subsamples."""
    return UNLABELLED if len(_unlabelled(truth)) else SUBSAMPLES


def plan_growth(
    truth: GroundTruth,
    settings: Settings,
    cache: FeatureCache,
    grows_by: str,
    *,
    most: float,
    n_images: int,
) -> Growth:
    """The images that are added, in a drawn order, and the sizes that are measured.

    Args:
        truth: split and labels.
        settings: where other data sets lie.
        cache: features of the backbone; those of distractors are computed where they are missing.
        grows_by: `unlabelled`, `subsamples`, or the name of another data set.
        most: largest multiple of the database.
        n_images: most images of all.

    Raises:
        DatasetError: there is no such data set, or it has no image to add.
        ImageError: an image whose features are missing is gone or has changed.
    """
    n, own = len(truth.split.database), cache.get(truth.dataset)
    if grows_by == SUBSAMPLES:
        order = _stratified(truth.labels[1])
        sizes = {round(share * n) for share in DOWNWARDS}
        kept = tuple(sorted(size for size in sizes if size >= min(_FEWEST, n)))
        return Growth(grows_by, order, own, np.zeros(0, np.int64), kept)
    dataset, rows = _distractors(truth, settings, grows_by)
    different = _of_other_content(truth, dataset, rows)
    if not len(different):
        raise DatasetError(_nothing_to_add(truth, grows_by))
    rng = np.random.default_rng(0)
    drawn = rng.permutation(different)[: max(0, min(round(most * n), n_images) - n)]
    features = own if dataset is truth.dataset else cache.get(dataset)
    whole = n + len(drawn)
    sizes = {n, whole} | {times * n for times in UPWARDS if times * n <= whole}
    return Growth(
        grows_by,
        np.arange(n),
        features,
        drawn,
        tuple(sorted(sizes)),
        len(different),
        len(rows) - len(different),
    )


def _distractors(
    truth: GroundTruth, settings: Settings, grows_by: str
) -> tuple[RetrievalDataset, NDArray[np.int64]]:
    if grows_by == UNLABELLED:
        return truth.dataset, _unlabelled(truth)
    if grows_by == truth.dataset.info.name:
        raise DatasetError(
            f"{grows_by!r} cannot be distractors of itself: its images may be relevant; name "
            f"another data set, or {UNLABELLED} or {SUBSAMPLES}"
        )
    dataset = load_dataset(grows_by, settings)
    return dataset, np.arange(len(dataset))


def _unlabelled(truth: GroundTruth) -> NDArray[np.int64]:
    """Rows without a label, which the split leaves out."""
    if truth.label_set is None:
        return np.zeros(0, np.int64)
    rows = np.asarray(unlabelled_rows(truth.dataset, truth.label_set), np.int64)
    return np.setdiff1d(rows, np.concatenate([truth.split.query, truth.split.database]))


def _of_other_content(
    truth: GroundTruth, dataset: RetrievalDataset, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The rows whose images are neither a query, nor in the database, nor the same as another."""
    split = truth.split
    known = truth.dataset.pixel_keys(np.concatenate([split.query, split.database]))
    both = np.concatenate([known, dataset.pixel_keys(rows)])
    _, first = np.unique(both, axis=0, return_index=True)
    return rows[np.sort(first[first >= len(known)]) - len(known)]


def _nothing_to_add(truth: GroundTruth, grows_by: str) -> str:
    name = truth.dataset.info.name
    if grows_by == UNLABELLED:
        return (
            f"every image of {name!r} has a label; name a data set to add, or {SUBSAMPLES} to thin "
            "the database"
        )
    return f"{grows_by!r} has no image that {name!r} does not have"


def _stratified(labels: NDArray[np.bool_]) -> NDArray[np.int64]:
    """An order (n,) whose beginnings hold each combination of labels by its share."""
    rng = np.random.default_rng(0)
    _, combination = np.unique(labels, axis=0, return_inverse=True)
    place = np.empty(len(labels))
    for one in range(int(combination.max()) + 1):
        members = rng.permutation(np.flatnonzero(combination == one))
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")
