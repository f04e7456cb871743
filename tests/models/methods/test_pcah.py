"""PCAH: one bit for each principal component."""

import numpy as np
import pytest
import torch

from models.method import TrainingSet
from models.methods.pcah import PCAH


def test_bits_are_signs_of_the_components_of_a_singular_value_decomposition():
    features = torch.randn(50, 8, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 9)
    centred = (features - features.mean(0)).numpy()

    codes = PCAH(5).fit(TrainingSet((features,))).encode(features)

    axes = np.linalg.svd(centred, full_matrices=False)[2][:5]
    axes *= np.sign(np.take_along_axis(axes, abs(axes).argmax(axis=1, keepdims=True), axis=1))
    assert np.array_equal(codes.signs(), np.where(centred @ axes.T >= 0, 1, -1))


def test_the_first_bit_separates_two_groups_far_apart():
    """Groups at +5 and -5 on one coordinate under unit noise: it carries the largest variance."""
    features = torch.randn(60, 6, generator=torch.Generator().manual_seed(1))
    group = torch.arange(60) % 2
    features[:, 3] += 10.0 * group - 5

    bit = PCAH(2).fit(TrainingSet((features,))).encode(features).signs()[:, 0]

    assert np.array_equal(bit, 2 * group.numpy() - 1)


def test_more_bits_than_components_are_refused():
    with pytest.raises(ValueError, match="use at most 6 bits"):
        PCAH(7).fit(TrainingSet((torch.randn(20, 6),)))
