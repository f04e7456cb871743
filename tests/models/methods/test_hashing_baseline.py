"""Hashing-Baseline: a rotation keeps lengths, and shares out what the first component carries."""

import pytest
import torch

from models.linear import principal_axes
from models.method import TrainingSet
from models.methods.hashing_baseline import HashingBaseline
from models.methods.itq import ITQ


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(200, 12, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 13)


def test_relaxed_codes_are_rotated_components(features):
    relaxed = HashingBaseline(8).fit(TrainingSet((features,))).relax(features)

    components = (features - features.mean(0)) @ principal_axes(features - features.mean(0), 8)
    assert torch.allclose(relaxed.norm(dim=1), components.norm(dim=1), atol=1e-3)
    assert relaxed.var(0).max() < 0.8 * components.var(0).max()
    assert relaxed.var(0).min() > components.var(0).min()


def test_it_is_where_itq_starts(features):
    codes = HashingBaseline(8, seed=3).fit(TrainingSet((features,))).encode(features)

    start = ITQ(8, ITQ.Config(iterations=0), seed=3).fit(TrainingSet((features,)))
    assert (codes.packed == start.encode(features).packed).all()


def test_another_seed_is_another_rotation(features):
    first, other = (
        HashingBaseline(8, seed=seed).fit(TrainingSet((features,))).encode(features)
        for seed in (0, 1)
    )

    assert (first.packed != other.packed).any()


def test_more_bits_than_components_are_refused():
    with pytest.raises(ValueError, match="use at most 6 bits"):
        HashingBaseline(7).fit(TrainingSet((torch.randn(20, 6),)))
