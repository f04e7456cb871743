"""SH: the slowest cosine waves along the principal axes."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.sh import SH, slowest_waves


def box(lengths, n=500, seed=0):
    """Points spread evenly over a box with these sides, off the origin."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, len(lengths), generator=generator) * torch.tensor(lengths) + 3


def test_waves_by_hand():
    """Over ranges 4 and 1.5, half waves take pi/4, 2pi/4, 3pi/4, ... and pi/1.5, ..."""
    axes, frequencies = slowest_waves(torch.tensor([4.0, 1.5]), 4)

    assert axes.tolist() == [0, 0, 1, 0]
    assert frequencies.tolist() == pytest.approx(
        [math.pi / 4, math.pi / 2, math.pi / 1.5, 3 * math.pi / 4]
    )


def test_waves_equal_a_search_through_all_of_them():
    lengths = torch.rand(6, generator=torch.Generator().manual_seed(1)) + 0.3
    every = sorted(
        (math.pi * k / length, axis)
        for axis, length in enumerate(lengths.tolist())
        for k in range(1, 21)
    )

    axes, frequencies = slowest_waves(lengths, 20)

    assert axes.tolist() == [axis for _, axis in every[:20]]
    assert frequencies.tolist() == pytest.approx([frequency for frequency, _ in every[:20]])


def test_bits_on_a_line_are_those_of_the_halved_and_quartered_range():
    """cos(pi t) and cos(2 pi t) over t in [0, 1]: + below 1/2, and in the outer quarters.

    The direction of the axis is free, so the first bit may be the other way round.
    """
    points = torch.linspace(0, 1, 101)[:, None]
    method = SH(2).fit(TrainingSet((points,)))

    signs = method.encode(torch.tensor([[0.1], [0.4], [0.6], [0.9]])).signs()

    assert abs(signs[:, 0].sum()) == 0
    assert signs[0, 0] == signs[1, 0] == -signs[2, 0]
    assert signs[:, 1].tolist() == [1, -1, -1, 1]


def test_relaxed_codes_equal_the_formula_of_the_paper():
    """sin(pi/2 + k pi / (b - a) (x - a)) on the axes, here those of the box itself."""
    points = box([8.0, 2.0])
    method = SH(5).fit(TrainingSet((points,)))
    relaxed = method.relax(points)

    components = (points - points.mean(0)) @ method.state["projection"]
    for bit in range(5):
        x, frequency = components[:, bit], method.state["frequencies"][bit]
        wave = torch.sin(math.pi / 2 + frequency * (x - x.min()))
        assert torch.allclose(relaxed[:, bit], wave, atol=1e-4)


def test_a_long_axis_gets_more_bits_than_a_short_one():
    method = SH(6).fit(TrainingSet((box([10.0, 2.0, 1.0]),)))

    along_first = method.state["projection"][0].abs() > 0.9
    assert along_first.sum() >= 4


def test_waves_over_evenly_spread_points_are_balanced_and_uncorrelated():
    """Also on points that were not seen in training; a cosine has mean square 1/2."""
    method = SH(6).fit(TrainingSet((box([5.0, 3.0, 2.0], n=4000),)))

    waves = method.relax(box([5.0, 3.0, 2.0], n=4000, seed=1))

    assert waves.mean(0).abs().max() < 0.05
    assert (waves.T @ waves / 4000 - torch.eye(6) / 2).abs().max() < 0.05


@pytest.mark.parametrize("bits", [1, 5, 100, 256])
def test_more_bits_than_axes_are_possible(bits):
    assert SH(bits).fit(TrainingSet((box([3.0, 2.0]),))).encode(box([3.0, 2.0])).bits == bits
