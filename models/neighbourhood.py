"""Who stands next to whom: a loss that draws the codes of nearest neighbours together.

After stochastic neighbour embedding (Hinton, Roweis, NeurIPS 2002): by the features an image's
nearest neighbours have shares that sum to 1, by the codes all other images have, and the two are
compared by their cross-entropy. How sharply the codes' shares fall with distance decides what is
kept: the kind, or who stands next to whom within it. Measured in docs/house-methods.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from models.graph import nearest_neighbours

_NEIGHBOURS = 20  # twice the ten that a person looks at
_TEMPERATURE = 0.1  # of the cosines of features
_SHARPNESS = 13.0  # of the cosines of codes, where all neighbours of neighbours are neighbours


@dataclass(frozen=True)
class Neighbourhood:
    """The nearest neighbours of n images and how near they are.

    Attributes:
        numbers: (n, k) row numbers, the image itself left out.
        shares: (n, k) rows that sum to 1, the nearer the larger.
        overlap: share of the neighbours' neighbours that are neighbours as well, 0 to 1.
    """

    numbers: Tensor
    shares: Tensor
    overlap: float

    @classmethod
    def of(cls, points: Tensor) -> Neighbourhood:
        """The neighbourhood of points (n, d) with unit rows, n at least 2."""
        numbers = torch.from_numpy(nearest_neighbours(points, min(_NEIGHBOURS, len(points) - 1)))
        cosines = torch.stack([(points[column] * points).sum(1) for column in numbers.T], dim=1)
        return cls(numbers, F.softmax(cosines / _TEMPERATURE, dim=1), _overlap(numbers))

    @property
    def sharpness(self) -> float:
        """Factor on the cosines of codes that suits these images.

        Where kinds have hardly more images than the neighbourhood, neighbours of neighbours are
        neighbours, and sharp shares separate the kinds. Where they have many more, sharp shares
        compare images of one kind only, and break it up.
        """
        return _SHARPNESS * self.overlap

    def loss(self, relaxed: Tensor, rows: Tensor, codes: Tensor, sharpness: float) -> Tensor:
        """K times the mean cross-entropy of the features' shares and the codes'.

        The loss of the target grows with K as well, so that one weight serves all code lengths.

        Args:
            relaxed: (b, K) network outputs of the images `rows`.
            rows: (b,) their numbers.
            codes: (n, K) in {-1, +1} of all images.
            sharpness: factor on the cosines of codes before their softmax, above 0.
        """
        bits = codes.shape[1]
        logits = relaxed @ codes.T * (sharpness / bits)
        own = torch.zeros_like(logits, dtype=torch.bool).scatter(1, rows[:, None], True)
        chances = F.log_softmax(logits.masked_fill(own, -torch.inf), dim=1)
        wanted = self.shares[rows] * chances.gather(1, self.numbers[rows])
        return -bits * wanted.sum(1).mean()


def _overlap(numbers: Tensor) -> float:
    """The share of the neighbours' neighbours that are neighbours as well."""
    k = numbers.shape[1]
    shared = 0
    for column in numbers.T:
        theirs = numbers[column]
        shared += sum(int((numbers == one[:, None]).sum()) for one in theirs.T)
    return shared / (len(numbers) * k * k)
