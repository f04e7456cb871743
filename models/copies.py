"""Near-copies in a training set: bursts, video frames and edited images, which count once.

A neighbourhood graph of images that each have many copies says which images are copies, and nothing
else. Two images are near-copies where the cosine of their leading principal components is at least
0.95. Copies, brightened and mirrored images mostly reach that, different photos hardly ever.
"""

from __future__ import annotations

import logging

import torch
import torch.nn.functional as F
from torch import Tensor

from models.linear import principal_axes
from models.method import TrainingSet, check_features

_NEAR = 0.95  # cosine of near-copies
_MANY = 1 / 3  # share of images with a near-copy from which copies count once
_SAMPLE = 1000  # images by which that share is measured
_AXES, _AXES_FROM = 128, 5000  # principal components, and images that they are taken from
_BLOCK = 1024  # rows of the similarity matrix that exist at a time
_log = logging.getLogger(__name__)


def distinct_rows(features: Tensor) -> Tensor:
    """Row numbers (m,), rising, of one image per group of near-copies: its first.

    An image joins the first group whose first image it is a near-copy of, so that chains of similar
    images do not grow into one group. All n rows are returned where fewer than a third of the
    images have a near-copy: a few do no harm.

    Args:
        features: (n, d), finite, at least two rows.
    """
    points = _points(features)
    if _share_with_copy(points) < _MANY:
        return torch.arange(len(points))
    firsts = torch.zeros(0, dtype=torch.long)
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        is_new = torch.ones(len(block), dtype=torch.bool)
        for known in torch.split(firsts, _BLOCK):
            is_new &= (block @ points[known].T < _NEAR).all(1)
        near = block @ block.T >= _NEAR
        for row in range(len(block)):
            if is_new[row]:
                is_new[row + 1 :] &= ~near[row, row + 1 :]
        firsts = torch.cat([firsts, start + is_new.nonzero().ravel()])
    return firsts


def without_copies(train: TrainingSet, *, at_least: int) -> TrainingSet:
    """The training set with one image per group of near-copies, said in the log.

    It is returned as it is where its images have few copies, or would be fewer than `at_least`.

    Raises:
        ValueError: see `check_features`.
    """
    rows = distinct_rows(check_features(train, at_least=2))
    if len(rows) == len(train) or len(rows) < at_least:
        return train
    _log.warning("near-copies count once: %d of %d images train", len(rows), len(train))
    labels = None if train.labels is None else train.labels[rows]
    return TrainingSet(tuple(view[rows] for view in train.views), labels)


def _points(features: Tensor) -> Tensor:
    """Leading principal components with unit rows, (n, at most 128)."""
    centred = features - features.mean(0)
    some = centred[:: -(-len(centred) // _AXES_FROM)]
    return F.normalize(centred @ principal_axes(some, min(_AXES, centred.shape[1], len(some) - 1)))


def _share_with_copy(points: Tensor) -> float:
    """The share of images with a near-copy, measured on a sample."""
    rows = torch.arange(0, len(points), -(-len(points) // _SAMPLE))
    n_near = sum((points[rows] @ part.T >= _NEAR).sum(1) for part in torch.split(points, _BLOCK))
    return float((torch.as_tensor(n_near) > 1).float().mean())
