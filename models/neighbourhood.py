"""Who stands next to whom: a loss that draws the codes of nearest neighbours together.

After stochastic neighbour embedding (Hinton, Roweis, NeurIPS 2002): by the features an image's
nearest neighbours have shares that sum to 1, by the codes all other images have, and the two are
compared by their cross-entropy. The weights behind the defaults are in docs/house-methods.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.graph import nearest_neighbours

_NEIGHBOURS = 20  # twice the ten that a person looks at
_TEMPERATURE = 0.1  # of the cosines of features
_SHARPNESS = 6.0  # of the cosines of codes


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest neighbours of n images and how near they are.

    Attributes:
        numbers: (n, k) row numbers, the image itself left out.
        shares: (n, k) rows that sum to 1, the nearer the larger.
    """

    numbers: Tensor
    shares: Tensor

    @classmethod
    def of(cls, points: Tensor) -> Neighbourhood:
        """The neighbourhood of points (n, d) with unit rows, n at least 2."""
        numbers = torch.from_numpy(nearest_neighbours(points, min(_NEIGHBOURS, len(points) - 1)))
        cosines = torch.stack([(points[column] * points).sum(1) for column in numbers.T], dim=1)
        return cls(numbers, F.softmax(cosines / _TEMPERATURE, dim=1))

    def loss(self, relaxed: Tensor, rows: Tensor, codes: Tensor) -> Tensor:
        """K times the mean cross-entropy of the features' shares and the codes'.

        The loss of the target grows with K as well, so that one weight serves all code lengths.

        Args:
            relaxed: (b, K) network outputs of the images `rows`.
            rows: (b,) their numbers.
            codes: (n, K) in {-1, +1} of all images.
        """
        bits = codes.shape[1]
        logits = relaxed @ codes.T * (_SHARPNESS / bits)
        own = torch.zeros_like(logits, dtype=torch.bool).scatter(1, rows[:, None], True)
        chances = F.log_softmax(logits.masked_fill(own, -torch.inf), dim=1)
        wanted = self.shares[rows] * chances.gather(1, self.numbers[rows])
        return -bits * wanted.sum(1).mean()
