"""SH: spectral hashing (Weiss, Torralba, Fergus, NeurIPS 2008).

Idea: the best balanced, uncorrelated codes are thresholded eigenvectors of the neighbourhood
graph's Laplacian. For data spread evenly over a box along the principal axes these are known in
closed form: cosine waves along single axes. The K slowest waves give the K bits, so a long axis
gives several.

    paper         here          shape
    Phi_k         relaxed       (n, K)   cos(frequency (x - low)) = sin(pi/2 + frequency (x - low))
    k pi/(b-a)    frequencies   (a, K)   of k = 1 .. K half waves over the range of each axis
    a             low           (a,)     where each axis begins

Deviation: where there are fewer axes than bits, all axes are used and give more waves.
"""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from models.linear import principal_axes
from models.method import (
    HashMethod,
    MethodCard,
    OnEpoch,
    Reported,
    TrainingSet,
    check_features,
    ignore,
)


def slowest_waves(lengths: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Axis numbers and frequencies, (count,) each, of the `count` slowest waves, slowest first.

    Args:
        lengths: (a,) range of the data along each axis.
        count: waves wanted; a wave is a number of half periods, from 1, over the range of an axis.
    """
    waves = torch.arange(1, count + 1, dtype=lengths.dtype)
    frequencies = math.pi * waves / lengths.clamp(min=1e-12)[:, None]  # (a, count)
    slowest, chosen = frequencies.flatten().sort(stable=True)
    return chosen[:count] // count, slowest[:count]


class SH(HashMethod):
    """Signs of the slowest cosine waves along the principal axes."""

    card = MethodCard(
        name="sh",
        title="SH",
        summary="Signs of cosine waves along the principal axes, the slowest waves first.",
        authors="Y. Weiss, A. Torralba, R. Fergus",
        venue="NeurIPS",
        year=2008,
        paper="https://proceedings.neurips.cc/paper_files/paper/2008/hash/d58072be2820e8682c0a27c0518e805e-Abstract.html",
        supervision="unsupervised",
        fidelity="paper",
        is_seeded=False,
        deviations=("Where there are fewer axes than bits, the axes there are give more waves.",),
        reported=(
            Reported(
                dataset="ImageNet100 (imagenet100, AlexNet)",
                bits=64,
                metric="mAP@1000",
                value=0.350,
                source="CISiPLab/cisip-FIRe, uniform re-run",
                provenance="re-run",
            ),
        ),
    )

    def fit(self, train: TrainingSet, *, on_epoch: OnEpoch = ignore) -> Self:
        """Measure the box around the training images and choose its slowest waves."""
        features = check_features(train, at_least=2)
        mean = features.mean(0)
        n_axes = min(self.bits, features.shape[1], len(features) - 1)
        axes = principal_axes(features - mean, n_axes)
        components = (features - mean) @ axes
        low = components.amin(0)
        chosen, frequencies = slowest_waves(components.amax(0) - low, self.bits)
        self.state = {
            "mean": mean,
            "projection": axes[:, chosen].contiguous(),
            "low": low[chosen],
            "frequencies": frequencies,
        }
        return self

    def relax(self, inputs: Tensor) -> Tensor:
        """Heights of the waves in [-1, 1], (n, bits), at features (n, d)."""
        state = self.state
        components = (inputs - state["mean"]) @ state["projection"]
        return torch.cos((components - state["low"]) * state["frequencies"])


METHOD = SH
