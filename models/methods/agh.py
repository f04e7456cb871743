"""AGH: anchor graph hashing (Liu, Wang, Kumar, Chang, "Hashing with graphs", ICML 2011).

Idea: join each image to its few nearest anchors (cluster centres). Images are similar through the
anchors they share, A = Z Lambda^-1 Z^T, so the eigenvectors of that graph come from an (m, m)
problem, and any new image has a place on them. Each eigenvector gives two bits: its sign, and on
which side of a second threshold, one for either sign, the image lies.

    paper    here       shape
    Z        weights    (n, m)   of the nearest anchors, rows sum to 1
    Lambda   mass       (m,)     column sums of Z
    W        basis      (m, r)   from weights to eigenvectors
    Y        vectors    (n, r)   Z W
    b+, b-   high, low  (r,)     second thresholds

Deviations: anchors are sought among the leading principal components, scaled to unit length, which
makes K-means cheap; there are fewer anchors where there are few images; near-copies count once.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.clustering import k_means
from models.copies import without_copies
from models.linear import principal_axes
from models.method import (
    HashMethod,
    MethodCard,
    MethodConfig,
    OnEpoch,
    TrainingSet,
    check_features,
    ignore,
)

_PCA_DIMS = 128  # principal components that are used


class AGHConfig(MethodConfig):
    """Hyper-parameters of AGH."""

    anchors: int = Field(
        300, ge=2, le=5000, description="Anchors m; at most half as many as images."
    )
    neighbours: int = Field(3, ge=1, le=100, description="Nearest anchors that an image joins.")
    layers: Literal[1, 2] = Field(2, description="Bits an eigenvector gives.")


def anchor_weights(points: Tensor, anchors: Tensor, neighbours: int, width: Tensor) -> Tensor:
    """Weights (n, m) of the nearest anchors, exp(-(distance / width)^2), rows scaled to sum 1.

    Args:
        points: (n, d).
        anchors: (m, d).
        neighbours: anchors with a weight, at most m.
        width: width of the kernel, a scalar.
    """
    distances, nearest = torch.cdist(points, anchors).topk(neighbours, dim=1, largest=False)
    kernel = torch.softmax(-(distances / width).square(), dim=1)
    return torch.zeros(points.shape[0], len(anchors)).scatter(1, nearest, kernel)


def eigenvector_basis(weights: Tensor, count: int) -> Tensor:
    """W (m, count): `weights @ W` are leading eigenvectors of the anchor graph, of length sqrt n.

    The constant one, which tells no images apart, is taken out; its eigenvalue 1 may be shared.

    Args:
        weights: (n, m) float64, every column with a positive entry.
        count: less than m.
    """
    mass = weights.sum(0)
    scaled = weights / mass.sqrt()
    constant = mass.sqrt() / len(weights) ** 0.5
    values, vectors = torch.linalg.eigh(scaled.T @ scaled - torch.outer(constant, constant))
    values, vectors = values.flip(0)[:count], vectors.flip(1)[:, :count]
    lengths = (len(weights) / values.clamp(min=1e-12)).sqrt()
    weighted: Tensor = vectors / mass.sqrt()[:, None] * lengths
    return weighted


def second_thresholds(weights: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The second thresholds of each eigenvector below and above zero: (r,) each.

    With h = y - high where y >= 0 and h = low - y elsewhere, they minimise h^T L h, L = I - A the
    Laplacian of the anchor graph, among those that balance the bit, sum(h) = 0. As L 1 = 0, only
    high + low matters to the first: it is (e^T L |y|) / (e^T L e), with e = [y >= 0].

    Args:
        weights: (n, m) of the training images.
        vectors: (n, r) their eigenvectors.
    """
    above, size = (vectors >= 0).to(vectors.dtype), vectors.abs()
    seen = weights.T @ above  # (m, r)
    mass = weights.sum(0)[:, None]
    cut = (above * above).sum(0) - (seen * seen / mass).sum(0)
    pull = (above * size).sum(0) - (seen * (weights.T @ size) / mass).sum(0)
    total = pull / cut.clamp(min=1e-9)
    high = (size.sum(0) + (1 - above).sum(0) * total) / len(vectors)
    return total - high, high


class AGH(HashMethod):
    """Eigenvectors of the graph of images and anchors, cut once or twice."""

    card = MethodCard(
        name="agh",
        title="AGH",
        summary="Eigenvectors of a graph that joins images by the anchors they share.",
        authors="W. Liu, J. Wang, S. Kumar, S.-F. Chang",
        venue="ICML",
        year=2011,
        paper="https://research.ibm.com/publications/hashing-with-graphs",
        supervision="unsupervised",
        fidelity="paper",
        deviations=(
            "Anchors lie among the leading principal components, scaled to unit length.",
            "At most half as many anchors as images.",
            "Near-copies among the training images count once.",
        ),
    )
    Config = AGHConfig
    config: AGHConfig

    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Find the anchors and the eigenvectors of their graph; see `HashMethod.fit`."""
        config = self.config
        train = without_copies(train, at_least=self.bits + 4)  # for half as many anchors
        features = check_features(train, at_least=4)
        n, width = features.shape
        mean = features.mean(0)
        axes = principal_axes(features - mean, min(_PCA_DIMS, width, n - 1))
        points = F.normalize((features - mean) @ axes)
        assigned = torch.from_numpy(k_means(points, min(config.anchors, n // 2), self.seed))
        member = F.one_hot(assigned).float()
        anchors = member.T @ points / member.sum(0)[:, None]
        count = self._eigenvectors_needed(len(anchors))
        neighbours = min(config.neighbours, len(anchors))
        farthest = torch.cdist(points, anchors).topk(neighbours, dim=1, largest=False).values[:, -1]
        kernel_width = farthest.mean().clamp(min=1e-12)
        weights = anchor_weights(points, anchors, neighbours, kernel_width).double()
        basis = eigenvector_basis(weights, count)
        low, high = second_thresholds(weights, weights @ basis)
        self.state = {
            "mean": mean,
            "axes": axes,
            "anchors": anchors,
            "width": kernel_width.reshape(1),
            "basis": basis.float(),
            "low": low.float(),
            "high": high.float(),
        }
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Distances from the thresholds, (n, bits), of features (n, d)."""
        state = self.state
        points = F.normalize((inputs - state["mean"]) @ state["axes"])
        neighbours = min(self.config.neighbours, len(state["anchors"]))
        weights = anchor_weights(points, state["anchors"], neighbours, state["width"])
        vectors = weights @ state["basis"]
        if self.config.layers == 1:
            return vectors
        second = torch.where(vectors >= 0, vectors - state["high"], state["low"] - vectors)
        return torch.cat([vectors, second], dim=1)[:, : self.bits]

    def _eigenvectors_needed(self, n_anchors: int) -> int:
        """How many eigenvectors the bits need.

        Raises:
            ValueError: there are not as many.
        """
        layers = self.config.layers
        count = -(-self.bits // layers)
        if count >= n_anchors:
            raise ValueError(
                f"{self.bits} bits need {count} eigenvectors, but {n_anchors} anchors have "
                f"{n_anchors - 1}; use at most {layers * (n_anchors - 1)} bits or more anchors"
            )
        return count


METHOD = AGH
