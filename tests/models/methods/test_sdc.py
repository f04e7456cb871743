"""SDC: the order of the feature cosines, the quantiles of a Beta distribution."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import beta

from models.method import TrainingSet
from models.methods.sdc import SDC, SDCConfig, quantiles, sdc_loss


def random_batch(n=10, bits=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(n, bits, generator=generator)
    return outputs, torch.randn(n, 7, generator=generator)


def test_loss_by_hand():
    """Feature pairs at 90 and at 10 degrees, so the second pair has the higher cosine.

    Its codes (1, 1) and (1, -1) have cosine 0 and shall have 0.5; those of the first pair, (1, 1)
    twice, have 1 and shall have -0.5: (0.5 + 1.5) / 2. The outputs are corners.
    """
    angles = torch.tensor([0.0, 0.0, 90.0, 10.0]).deg2rad()
    features = torch.stack([angles.cos(), angles.sin()], 1)
    outputs = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])

    terms = sdc_loss(outputs, features, torch.tensor([-0.5, 0.5]), quantization=1)

    assert terms["calibration"].item() == pytest.approx(1)
    assert terms["quantization"].item() == pytest.approx(0, abs=1e-6)


def test_loss_equals_the_formula_written_with_loops():
    outputs, features = random_batch()
    wanted = quantiles(5, 5.0, False)

    def cosine(a, b):
        inner = sum(x * y for x, y in zip(a, b, strict=True))
        return inner / math.hypot(*a) / math.hypot(*b)

    h, z = outputs.tolist(), features.tolist()
    pairs = sorted((cosine(z[i], z[i + 5]), cosine(h[i], h[i + 5])) for i in range(5))
    calibration = sum(abs(c - w) for (_, c), w in zip(pairs, wanted.tolist(), strict=True)) / 5
    signs = [[math.copysign(1, x) for x in row] for row in h]
    quantization = sum(1 - cosine(a, b) for a, b in zip(h, signs, strict=True)) / 10

    terms = sdc_loss(outputs, features, wanted, quantization=0.5)
    assert terms["calibration"].item() == pytest.approx(calibration, rel=1e-5)
    assert terms["quantization"].item() == pytest.approx(0.5 * quantization, rel=1e-5)


def test_gradient_of_the_loss():
    outputs, features = random_batch(seed=1)
    wanted = quantiles(5, 5.0, True).double()

    def total(h):
        return torch.stack([*sdc_loss(h, features.double(), wanted, 0.7).values()]).sum()

    assert torch.autograd.gradcheck(total, outputs.double().requires_grad_())


@pytest.mark.parametrize("concentration", [2.0, 5.0])
def test_quantiles_are_those_of_the_stretched_beta_distribution(concentration):
    values = quantiles(9, concentration, False)

    expected = [2 * beta.ppf((i + 0.5) / 9, concentration, concentration) - 1 for i in range(9)]
    assert values.tolist() == pytest.approx(expected, abs=1e-6)
    assert values[4].item() == pytest.approx(0, abs=1e-6)
    assert torch.equal(quantiles(9, concentration, True), values.relu())


def test_a_lower_concentration_spreads_the_codes_more():
    spreads = [quantiles(50, a, False).std().item() for a in (1.0, 2.0, 5.0, 9.0)]

    assert spreads == sorted(spreads, reverse=True)


def test_only_the_order_of_the_feature_cosines_matters():
    """Halving all angles, on a quarter circle, raises the cosines but keeps their order."""
    outputs, _ = random_batch(seed=2)
    angles = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.1, 0.5, 0.4, 0.9, 1.4])
    wanted = quantiles(5, 5.0, True)

    def loss(angles):
        features = torch.stack([angles.cos(), angles.sin()], 1)
        return sdc_loss(outputs, features, wanted, 1)["calibration"].item()

    assert loss(0.5 * angles) == loss(angles)


def test_copies_count_once():
    features = torch.randn(60, 10, generator=torch.Generator().manual_seed(0))
    config = SDCConfig(epochs=2)

    alone, copied = (
        SDC(8, config).fit(TrainingSet((each,))) for each in (features, features.repeat(4, 1))
    )

    assert (alone.encode(features).packed == copied.encode(features).packed).all()
