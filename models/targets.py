"""Targets: pairwise similarities of all training images that are never formed as a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from models.graph import leading_eigenvectors, neighbour_graph

_NEIGHBOURS = (5, 10, 20, 40)  # tried in this order
_STABLE = 0.94  # agreement of two samples from which a neighbourhood graph counts as stable
_POOL = 1500  # images that the two samples are drawn from
_FEW = 80  # images below which samples say nothing
_USUAL = 10  # neighbours for so few images
_FIRST_GAP = 2  # gaps before this many eigenvalues only say that the graph is (almost) connected


@dataclass(frozen=True)
class Target:
    """S = factor diag(signs) factor^T + edges, with n rows; memory linear in n.

    Attributes:
        factor: (n, r) float32.
        signs: (r,) of +1 and -1.
        edges: (n, n) sparse, symmetric; None: nothing is added.
    """

    factor: Tensor
    signs: Tensor
    edges: sparse.csr_array | None = None

    def times(self, matrix: Tensor) -> Tensor:
        """S @ matrix: (n, c) for a matrix (n, c)."""
        product = (self.factor * self.signs) @ (self.factor.T @ matrix)
        if self.edges is not None:
            product = product + torch.from_numpy(self.edges @ matrix.numpy())
        return product

    def rows(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The block (len(rows), len(columns)) of S."""
        block = (self.factor[rows] * self.signs) @ self.factor[columns].T
        if self.edges is not None:
            part = self.edges[rows.numpy()][:, columns.numpy()]
            block = block + torch.from_numpy(part.toarray()).to(block.dtype)
        return block

    def energy(self) -> Tensor:
        """sum_j s_ij^2 of every row, (n,)."""
        gram = self.factor.T @ self.factor
        scaled = self.factor * self.signs
        total = (scaled @ gram * scaled).sum(1)
        if self.edges is None:
            return total
        coo = self.edges.tocoo()
        rows, columns = torch.from_numpy(coo.row).long(), torch.from_numpy(coo.col).long()
        values = torch.from_numpy(coo.data).to(total.dtype)
        cross = (scaled[rows] * self.factor[columns]).sum(1)
        return total.index_add(0, rows, values * (values + 2 * cross))


def graded(
    parts: list[tuple[float, Tensor]], graph: sparse.csr_array | None = None, weight: float = 0.0
) -> Target:
    """The soft target sum_p weight_p part_p part_p^T + weight (graph + I).

    Args:
        parts: non-negative weights with matrices (n, r_p).
        graph: (n, n) added with `weight`; None: nothing is added.
        weight: weight of the graph.
    """
    factor = torch.cat([share**0.5 * part for share, part in parts], dim=1)
    edges = None
    if graph is not None:
        edges = (weight * (graph + sparse.eye_array(len(factor)))).astype(np.float32).tocsr()
    return Target(factor, torch.ones(factor.shape[1]), edges)


def balanced(clusters: NDArray[np.int64] | None, graph: sparse.csr_array | None, n: int) -> Target:
    """The hard target: +1 for similar pairs, -rho for the others, so that both weigh the same.

    Similar: in one cluster, or neighbours in the graph, or the same point. rho = P / (1 - P) with P
    the share of similar pairs (ADSH's balancing).

    Args:
        clusters: (n,) cluster numbers; None: no clusters.
        graph: neighbours are its non-zero entries; None: no graph.
        n: number of points.
    """
    neighbours = sparse.csr_array((n, n)) if graph is None else (graph > 0).astype(np.float64)
    numbers = np.arange(n) if clusters is None else clusters
    pairs = neighbours.tocoo()
    across = numbers[pairs.row] != numbers[pairs.col]
    extra = sparse.csr_array(
        (pairs.data[across], (pairs.row[across], pairs.col[across])), shape=(n, n)
    )
    sizes = np.bincount(numbers).astype(float)
    share = min((np.square(sizes).sum() + extra.sum()) / n**2, 1 - 1 / n)
    rho = share / (1 - share)
    if clusters is None:  # a factor with n columns would not be small
        extra, indicator = extra + sparse.eye_array(n), torch.zeros(n, 0)
    else:
        indicator = F.one_hot(torch.from_numpy(clusters)).float()
    factor = torch.cat([(1 + rho) ** 0.5 * indicator, rho**0.5 * torch.ones(n, 1)], dim=1)
    signs = torch.ones(factor.shape[1])
    signs[-1] = -1
    return Target(factor, signs, ((1 + rho) * extra).astype(np.float32).tocsr())


@dataclass(frozen=True)
class Spectrum:
    """Leading eigenpairs of a neighbourhood graph, largest first.

    Attributes:
        graph: (n, n).
        values: (m,).
        vectors: (n, m).
    """

    graph: sparse.csr_array
    values: NDArray[np.float64]
    vectors: NDArray[np.float64]

    @classmethod
    def of(cls, points: Tensor, neighbours: int, count: int, seed: int) -> Spectrum:
        """The spectrum of the graph of `points` (n, d); both numbers are cut to what n allows."""
        n = len(points)
        graph = neighbour_graph(points, min(neighbours, n - 1))
        return cls(graph, *leading_eigenvectors(graph, min(count, n - 1), seed))

    def embedding(self, power: float, count: int | None = None) -> Tensor:
        """The first `count` eigenvectors, weighted by lambda^power, with unit rows: (n, count)."""
        weights = torch.from_numpy(self.values[:count]).clamp(min=0) ** power
        return F.normalize(torch.from_numpy(self.vectors[:, :count]) * weights).float()

    def eigengap(self) -> int:
        """The number of clusters after which the eigenvalues drop most, at least 2."""
        positive = self.values[self.values > 1e-6]
        if len(positive) <= _FIRST_GAP + 1:
            return max(2, len(positive))
        drops = positive[:-1] - positive[1:]
        return int(np.argmax(drops[_FIRST_GAP - 1 :])) + _FIRST_GAP


def stable_neighbours(points: Tensor, eigenvectors: int, power: float, seed: int) -> int:
    """The smallest k whose graph gives nearly the same target on two samples of the images.

    Too few neighbours and the graph falls apart differently in each sample; too many and it joins
    what should be apart, though ever more stably. Agreement is the correlation of the entries
    e_i e_j^T of the two targets over the pairs that both samples hold.

    Args:
        points: (n, d) with unit rows; of fewer than 80, the usual 10 neighbours are taken.
        eigenvectors: leading eigenvectors used.
        power: power of the eigenvalues.
        seed: seed of the samples and the eigensolver.
    """
    if len(points) < _FEW:
        return _USUAL
    rng = np.random.default_rng(seed)
    pool = points[torch.from_numpy(rng.permutation(len(points))[:_POOL])]
    size = len(pool) * 4 // 5
    first, second = (np.sort(rng.permutation(len(pool))[:size]) for _ in range(2))
    both = np.intersect1d(first, second)
    pairs = np.triu_indices(len(both), 1)

    def entries(sample: NDArray[np.int64], k: int) -> NDArray[np.float32]:
        rows = Spectrum.of(pool[torch.from_numpy(sample)], k, eigenvectors, seed).embedding(power)
        rows = rows[torch.from_numpy(np.searchsorted(sample, both))]
        return (rows @ rows.T).numpy()[pairs]

    for k in _NEIGHBOURS:
        first_entries, second_entries = entries(first, k), entries(second, k)
        is_same = np.allclose(first_entries, second_entries)
        if is_same or np.corrcoef(first_entries, second_entries)[0, 1] >= _STABLE:
            return k
    return _NEIGHBOURS[-1]
