"""Linear hash methods: principal axes, the Procrustes rotation, centring."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from models.linear import (
    as_head,
    closest_rotation,
    principal_axes,
    rotate_to_codes,
)
from models.method import TrainingSet
from models.methods.lsh import LSH
from models.methods.pcah import PCAH


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def correlated(n=60, d=9, seed=0):
    mixed = torch.randn(n, d, generator=generator(seed)) @ torch.randn(d, d, generator=generator(9))
    return mixed - mixed.mean(0)


def test_principal_axes_are_those_of_a_singular_value_decomposition():
    centred = correlated()

    axes = principal_axes(centred, 4).numpy()

    right = np.linalg.svd(centred.numpy(), full_matrices=False)[2][:4].T
    assert abs((axes * right).sum(axis=0)) == pytest.approx(np.ones(4), abs=1e-4)
    assert axes.T @ axes == pytest.approx(np.eye(4), abs=1e-5)


def test_the_largest_entry_of_an_axis_is_positive():
    axes = principal_axes(correlated(), 6)

    assert (axes.gather(0, axes.abs().argmax(0, keepdim=True)) > 0).all()


@pytest.mark.parametrize(("n", "d", "available"), [(5, 9, 4), (60, 9, 9)])
def test_too_many_bits_are_refused_with_the_number_that_works(n, d, available):
    centred = correlated(n, d)

    assert principal_axes(centred, available).shape == (d, available)
    with pytest.raises(ValueError, match=f"bits need .* use at most {available} bits"):
        principal_axes(centred, available + 1)


def test_the_closest_rotation_undoes_a_rotation():
    """With codes = components @ R exactly, the minimiser of ||codes - components R|| is R."""
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=generator())).Q
    components = torch.randn(40, 5, generator=generator(1))

    assert torch.allclose(closest_rotation(components, components @ rotation), rotation, atol=1e-5)


def test_no_other_rotation_is_closer():
    components = torch.randn(40, 4, generator=generator(1))
    codes = torch.randn(40, 4, generator=generator(2)).sign()
    best = (codes - components @ closest_rotation(components, codes)).norm()

    for seed in range(50):
        other = torch.linalg.qr(torch.randn(4, 4, generator=generator(seed))).Q
        assert (codes - components @ other).norm() >= best - 1e-4


def test_rotating_never_raises_the_error_and_stays_orthogonal():
    losses = []

    rotation = rotate_to_codes(correlated(), 30, generator(), lambda _, loss: losses.append(loss))

    assert len(losses) == 30
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(losses))
    assert torch.allclose(rotation.T @ rotation, torch.eye(9), atol=1e-5)


def test_no_iterations_leave_a_random_rotation():
    first, second = (rotate_to_codes(correlated(), 0, generator(seed)) for seed in (0, 1))

    assert not torch.allclose(first, second)
    assert torch.allclose(first.T @ first, torch.eye(9), atol=1e-5)


def test_a_shift_of_all_features_changes_no_code():
    features = correlated() + 3

    plain, shifted = (
        LSH(16).fit(TrainingSet((shift,))).encode(shift) for shift in (features, features + 64)
    )

    assert np.array_equal(plain.packed, shifted.packed)


@pytest.mark.parametrize("method", [LSH, PCAH])
def test_features_without_any_difference_are_refused(method):
    with pytest.raises(ValueError, match="8 training images have the same features"):
        method(4).fit(TrainingSet((torch.full((8, 6), 2.5),)))


def test_a_head_gives_the_projection_at_mean_absolute_output_one():
    centred, projection = correlated(), torch.randn(9, 3, generator=generator(3))

    outputs = as_head(centred, projection)(centred).detach()

    assert outputs.abs().mean().item() == pytest.approx(1, abs=1e-5)
    ratio = outputs / (centred @ projection)
    assert ratio.std() < 1e-4
