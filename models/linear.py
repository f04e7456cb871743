"""LinearHashMethod: methods whose relaxed code is a centred linear projection."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from models.method import HashMethod, OnEpoch, TrainingSet, check_features, ignore


class LinearHashMethod(HashMethod):
    """relaxed = (z - mean) @ projection. Subclasses give the projection and nothing else."""

    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Centre the features and learn the projection; see `HashMethod.fit`."""
        features = check_features(train, at_least=2)
        mean = features.mean(0)
        generator = torch.Generator().manual_seed(self.seed)
        projection = self.projection(features - mean, generator, on_epoch)
        self.state = {"mean": mean, "projection": projection.contiguous()}
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Relaxed codes (n, bits) of features (n, d)."""
        return (inputs - self.state["mean"]) @ self.state["projection"]

    @abstractmethod
    def projection(self, centred: Tensor, generator: torch.Generator, on_epoch: OnEpoch) -> Tensor:
        """The projection (d, bits) learned from centred features (n, d)."""


def principal_axes(centred: Tensor, count: int) -> Tensor:
    """The `count` leading principal axes of centred features (n, d), as columns (d, count).

    The sign of each axis is fixed (largest entry positive), so that the result does not depend on
    the linear-algebra library.

    Raises:
        ValueError: fewer than `count` axes exist.
    """
    check_axes(centred, count)
    covariance = (centred.T @ centred).double() / len(centred)
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :count]
    largest = axes.gather(0, axes.abs().argmax(0, keepdim=True))  # (1, count)
    signed: Tensor = axes * torch.where(largest < 0, -1.0, 1.0)
    return signed.to(centred.dtype)


def check_axes(centred: Tensor, count: int) -> None:
    """Raise a ValueError where features (n, d) have fewer than `count` principal axes."""
    available = min(centred.shape[1], len(centred) - 1)
    if count > available:
        raise ValueError(
            f"{count} bits need {count} principal axes, but {len(centred)} images of "
            f"{centred.shape[1]}-d features have {available}; use at most {available} bits"
        )


def itq_projection(
    centred: Tensor,
    bits: int,
    iterations: int,
    generator: torch.Generator,
    on_iteration: Callable[[int, float], None] = lambda iteration, loss: None,
) -> Tensor:
    """The projection (d, bits) of ITQ for centred features (n, d); see `rotate_to_codes`."""
    axes = principal_axes(centred, bits)
    return axes @ rotate_to_codes(centred @ axes, iterations, generator, on_iteration)


def as_head(inputs: Tensor, projection: Tensor) -> nn.Linear:
    """A projection (d, K) as a head, with mean absolute output 1 for inputs (n, d)."""
    head = nn.Linear(*projection.shape)
    with torch.no_grad():
        scale = (inputs @ projection).abs().mean().clamp(min=1e-12)
        head.weight.copy_((projection / scale).T)
        head.bias.zero_()
    return head


def rotate_to_codes(
    components: Tensor,
    iterations: int,
    generator: torch.Generator,
    on_iteration: Callable[[int, float], None] = lambda iteration, loss: None,
) -> Tensor:
    """A rotation R (K, K) that brings components (n, K) close to {-1, +1} (ITQ, TPAMI 2013).

    Alternates codes B = sign(V R) and the Procrustes rotation, from a random start.

    Args:
        components: (n, K) centred features on the principal axes (V in the paper).
        iterations: rounds; 0 leaves the random rotation.
        generator: source of the start.
        on_iteration: called with the round (from 1) and the mean squared quantization error.
    """
    bits = components.shape[1]
    rotation: Tensor = torch.linalg.qr(torch.randn(bits, bits, generator=generator)).Q
    for iteration in range(1, iterations + 1):
        rotated = components @ rotation
        codes = torch.where(rotated >= 0, 1.0, -1.0)
        rotation = closest_rotation(components, codes)
        on_iteration(iteration, (codes - rotated).square().mean().item())
    return rotation


def closest_rotation(components: Tensor, codes: Tensor) -> Tensor:
    """The rotation R (K, K) that minimises ||codes - components @ R|| (orthogonal Procrustes).

    Args:
        components: (n, K) projected features.
        codes: (n, K) in {-1, +1}.
    """
    left, _, right = torch.linalg.svd(components.T @ codes)
    rotation: Tensor = left @ right
    return rotation
