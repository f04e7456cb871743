"""Features around their mean, a block of rows at a time, so that a million exist only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_BLOCK = 8192  # rows that exist a second time


@dataclass(frozen=True)
class Centred:
    """Features (n, d) less their mean.

    Attributes:
        features: (n, d), as they are; none is copied but those that are asked for.
        mean: (d,).
    """

    features: Tensor
    mean: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Self:
        """Features (n, d) less the mean of them all."""
        return cls(features, features.mean(0))

    @classmethod
    def already(cls, features: Tensor) -> Self:
        """Features (n, d) that are centred."""
        return cls(features, torch.zeros(features.shape[1]))

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        return self.features[rows] - self.mean

    def __matmul__(self, matrix: Tensor) -> Tensor:
        """The product (n, k) with a matrix (d, k)."""
        return torch.cat([block @ matrix for block in self._blocks()])

    @property
    def width(self) -> int:
        """Dimensions d."""
        return self.features.shape[1]

    def covariance(self) -> Tensor:
        """(d, d), in double precision."""
        products = (block.T @ block for block in self._blocks())
        total = next(products)
        for product in products:
            total += product
        return total.double() / len(self)

    def mean_norm(self) -> Tensor:
        """The mean length of a row."""
        return torch.cat([block.norm(dim=1) for block in self._blocks()]).mean()

    def _blocks(self) -> Iterator[Tensor]:
        for start in range(0, len(self), _BLOCK):
            yield self[start : start + _BLOCK]
