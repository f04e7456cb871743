"""AGH: eigenvectors of the anchor graph, and two thresholds on each."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.agh import (
    AGH,
    AGHConfig,
    anchor_weights,
    eigenvector_basis,
    second_thresholds,
)


def random_weights(n=40, m=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    weights = anchor_weights(points.float(), points[:m].float(), 3, torch.tensor(1.0)).double()
    return weights / weights.sum(1, keepdim=True)


def laplacian(weights):
    return torch.eye(len(weights)) - (weights / weights.sum(0)) @ weights.T


def groups(seed=0, n=120, k=4):
    generator = torch.Generator().manual_seed(seed)
    centres = 4 * torch.randn(k, 10, generator=generator)
    return centres[torch.arange(n) % k] + torch.randn(n, 10, generator=generator)


def test_weights_by_hand():
    """Distances 1 and 2 to the nearest two of three anchors, width 1: e^-1 to e^-4."""
    weights = anchor_weights(
        torch.tensor([[0.0]]), torch.tensor([[1.0], [-2.0], [9.0]]), 2, torch.tensor(1.0)
    )

    share = math.exp(-1) / (math.exp(-1) + math.exp(-4))
    assert weights[0].tolist() == pytest.approx([share, 1 - share, 0])


def test_eigenvectors_equal_those_of_the_whole_graph():
    """Of A = Z Lambda^-1 Z^T, formed here; orthogonal, of length sqrt n, without the constant."""
    weights = random_weights()
    values, vectors = torch.linalg.eigh((weights / weights.sum(0)) @ weights.T)

    found = weights @ eigenvector_basis(weights, 4)

    expected = vectors.flip(1)[:, 1:5] * math.sqrt(40)
    assert values[-1].item() == pytest.approx(1)
    assert torch.allclose(found.abs(), expected.abs(), atol=1e-6)
    assert torch.allclose(found.T @ found / 40, torch.eye(4).double(), atol=1e-6)
    assert found.sum(0).abs().max() < 1e-6


def test_second_thresholds_balance_the_bit_and_cost_least():
    """Against a search along the line of thresholds that balance the bit."""
    weights = random_weights(seed=2)
    vectors = weights @ eigenvector_basis(weights, 3)
    low, high = second_thresholds(weights, vectors)
    graph = laplacian(weights)

    for y, below, above in zip(vectors.T, low, high, strict=True):

        def cost(high, y=y):
            n_up, n_down = (y >= 0).sum(), (y < 0).sum()
            low = (n_up * high - y.abs().sum()) / n_down  # from sum(h) = 0
            h = torch.where(y >= 0, y - high, low - y)
            assert abs(h.sum()) < 1e-6
            return (h @ graph @ h).item(), low

        least, balanced = cost(above)
        assert balanced.item() == pytest.approx(below.item(), abs=1e-6)
        assert all(cost(above + step)[0] >= least - 1e-9 for step in torch.linspace(-2, 2, 41))


def test_second_thresholds_by_hand():
    """Two anchors, each with images of its own: the graph falls into the halves y = 1 and y = -1.

    No cut between them costs anything, so sum(h) = 0 alone decides: 1 and -1.
    """
    weights = torch.tensor([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3).double()
    vectors = weights @ eigenvector_basis(weights, 1)

    low, high = second_thresholds(weights, vectors)

    assert torch.allclose(vectors.abs(), torch.ones(6, 1).double())
    assert (low.item(), high.item()) == pytest.approx((-1, 1))


def test_a_new_image_among_others_gets_their_code():
    """Codes differ between groups and hardly within one."""
    method = AGH(8, AGHConfig(anchors=20)).fit(TrainingSet((groups(),)))

    codes = method.encode(groups(seed=0)).signs()
    fresh = method.encode(groups(seed=0) + 0.01).signs()

    assert (codes == fresh).mean() > 0.97
    assert len({tuple(row) for row in codes[:4, :4].tolist()}) == 4


@pytest.mark.parametrize(("layers", "vectors"), [(1, 9), (2, 5)])
def test_bits_come_from_one_or_two_cuts_of_an_eigenvector(layers, vectors):
    method = AGH(9, AGHConfig(layers=layers)).fit(TrainingSet((groups(),)))

    assert method.state["basis"].shape[1] == vectors
    assert method.encode(groups()).bits == 9


def test_too_many_bits_are_refused_with_the_most_that_work():
    train = TrainingSet((groups(n=20),))

    with pytest.raises(ValueError, match=r"64 bits need 32 eigenvectors.* at most (\d+) bits") as e:
        AGH(64).fit(train)

    most = int(str(e.value).split("at most ")[1].split(" ")[0])
    assert AGH(most).fit(train).encode(groups(n=20)).bits == most


def test_copies_count_once():
    features = torch.randn(60, 10, generator=torch.Generator().manual_seed(0))

    alone, copied = (AGH(8).fit(TrainingSet((each,))) for each in (features, features.repeat(4, 1)))

    assert (alone.encode(features).packed == copied.encode(features).packed).all()
