"""Neighbourhood graphs of features and their leading eigenvectors; linear memory in n."""

from __future__ import annotations

import logging

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import ArpackError, eigsh
from torch import Tensor

_BLOCK = 1024  # rows of the similarity matrix that exist at a time
_DENSE = 4000  # points up to which a graph is solved whole, should the iteration fail
_log = logging.getLogger(__name__)


def nearest_neighbours(points: Tensor, k: int) -> NDArray[np.int64]:
    """Exact k nearest neighbours by inner product, the point itself left out: (n, k) indices.

    Args:
        points: (n, d); unit rows make it cosine similarity.
        k: neighbours, less than n.
    """
    neighbours = []
    for start in range(0, len(points), _BLOCK):
        similarity = points[start : start + _BLOCK] @ points.T
        rows = torch.arange(len(similarity))
        similarity[rows, start + rows] = -torch.inf
        neighbours.append(similarity.topk(k, dim=1).indices)
    return torch.cat(neighbours).numpy()


def neighbour_graph(points: Tensor, k: int) -> sparse.csr_array:
    """The symmetric k-NN graph (n, n), weighted by shared neighbours.

    An edge joins points when either is among the other's k nearest. Its weight is the Jaccard
    overlap of the two neighbourhoods (each with its own point), in (0, 1]: edges across groups
    share few neighbours and count little, which makes the choice of k far less critical.
    """
    n = len(points)
    columns = nearest_neighbours(F.normalize(points), k).ravel()
    rows = np.repeat(np.arange(n), k)
    directed = sparse.csr_array((np.ones(n * k), (rows, columns)), shape=(n, n))
    hoods = (directed + sparse.eye_array(n)).tocsr()  # k + 1 members each
    graph = directed.maximum(directed.T).tocsr()
    shared = (hoods @ hoods.T).multiply(graph).tocsr()  # an edge shares at least its far end
    shared.data = shared.data / (2 * (k + 1) - shared.data)
    return shared


def leading_eigenvectors(
    graph: sparse.csr_array, count: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The `count` largest eigenvalues and eigenvectors of D^-1/2 W D^-1/2, largest first.

    Where the iteration does not converge, a small graph is solved whole and a large one for half as
    many eigenvectors; the log says so.

    Args:
        graph: (n, n) symmetric, non-negative, no empty row.
        count: number, at least 1; at most n - 1 are returned.
        seed: start and restart vectors of the Lanczos iteration.

    Returns:
        Eigenvalues (count,) in [-1, 1] and eigenvectors (n, count).

    Raises:
        ValueError: not even the largest one converges.
    """
    n = graph.shape[0]
    scale = sparse.diags_array(1 / np.sqrt(graph.sum(axis=1)))
    normalised = scale @ graph @ scale
    if n <= 4 * count:  # Lanczos gains nothing on so small a matrix
        return _dense(normalised, count)
    rng = np.random.default_rng(seed)  # also for restarts, which graphs of many parts need
    start = rng.standard_normal(n)
    try:
        values, vectors = eigsh(normalised, k=count, which="LA", v0=start, rng=rng)
    except ArpackError as error:
        if n <= _DENSE:
            _log.warning("the graph of %d images is solved whole: %s", n, error)
            return _dense(normalised, count)
        if count == 1:
            raise ValueError(
                f"the neighbourhood graph of {n} images has no eigenvectors that can be computed "
                f"({error}); train on other images or with more neighbours"
            ) from error
        _log.warning("%d eigenvectors of %d images instead of %d: %s", count // 2, n, count, error)
        return leading_eigenvectors(graph, count // 2, seed)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]


def _dense(
    normalised: sparse.csr_array, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same of the whole matrix."""
    values, vectors = np.linalg.eigh(normalised.toarray())
    order = np.argsort(values)[::-1][:count]
    return values[order], vectors[:, order]
