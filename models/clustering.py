"""Clusters: K-means, and the clustering loss of deep embedded clustering.

After Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016,
https://arxiv.org/abs/1511.06335.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from torch import Tensor


def k_means(points: Tensor, clusters: int, seed: int) -> NDArray[np.int64]:
    """Cluster numbers (n,) from 0, without gaps; at most `clusters` of them.

    Args:
        points: (n, d).
        clusters: how many to look for (K-means with K-means++ starts).
        seed: seed of the starts.
    """
    rng = np.random.default_rng(seed)
    distinct = len(torch.unique(points, dim=0))  # K-means++ cannot choose more starts than these
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # empty clusters are closed up below
        _, assigned = kmeans2(
            points.double().numpy(), min(clusters, distinct), iter=30, minit="++", rng=rng
        )
    numbers: NDArray[np.int64] = np.unique(assigned, return_inverse=True)[1]
    return numbers


def soft_assignment(relaxed: Tensor, centres: Tensor) -> Tensor:
    """Student-t assignment q (b, M) of outputs (b, K) to centres (M, K), rows sum to 1 (DEC)."""
    kernel = 1 / (1 + torch.cdist(relaxed, centres).square())
    return kernel / kernel.sum(1, keepdim=True)


def sharpened(assignment: Tensor) -> Tensor:
    """The assignment squared and balanced over clusters: the fixed target p (b, M) of a round."""
    weighted = assignment.square() / assignment.sum(0).clamp(min=1e-12)
    return weighted / weighted.sum(1, keepdim=True)


def clustering_loss(assignment: Tensor, target: Tensor) -> Tensor:
    """Mean over the batch of KL(p || q), for q = `assignment` and p = `target`, both (b, M)."""
    return F.kl_div(assignment.log(), target, reduction="batchmean")
