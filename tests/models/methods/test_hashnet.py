"""HashNet: the balanced pair likelihood and the continuation towards the sign."""

from __future__ import annotations

import math

import pytest
import torch

from models.method import TrainingSet
from models.methods.hashnet import HashNet, HashNetConfig, hashnet_loss


def random_batch(n=6, bits=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    relaxed = torch.rand(n, bits, generator=generator) * 1.8 - 0.9
    half = (torch.rand(n, n, generator=generator) < 0.3).triu(1)
    return relaxed, (half | half.T | torch.eye(n).bool()).float()


def test_loss_by_hand():
    """u = (1, 1), (1, 1), (1, -1), the third unlike the others, alpha = 2.

    Logits are 2 or 0. Similar pairs, 5 of 9: five at ln(1 + e^2) - 2 = ln(1 + e^-2). Dissimilar,
    4 of 9: ln 2. With weights 9/5 and 9/4 both sides weigh 9, so the loss is their plain average.
    """
    relaxed = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    similarity = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])

    terms = hashnet_loss(relaxed, similarity, alpha=2.0)

    expected = (math.log(1 + math.exp(-2)) + math.log(2)) / 2
    assert terms["pairwise"].item() == pytest.approx(expected)


def test_loss_equals_the_formula_written_with_loops():
    relaxed, similarity = random_batch()
    u, s = relaxed.tolist(), similarity.tolist()
    n_similar = sum(map(sum, s))

    total = weights = 0.0
    for i in range(6):
        for j in range(6):
            logit = 10 / 5 * sum(a * b for a, b in zip(u[i], u[j], strict=True))
            weight = 36 / n_similar if s[i][j] else 36 / (36 - n_similar)
            total += weight * (math.log(1 + math.exp(logit)) - s[i][j] * logit)
            weights += weight

    loss = hashnet_loss(relaxed, similarity, alpha=10.0)["pairwise"]
    assert loss.item() == pytest.approx(total / weights, rel=1e-5)


def test_gradient_of_the_loss():
    relaxed, similarity = random_batch(seed=1)

    def loss(u):
        return hashnet_loss(u, similarity.double(), 10.0)["pairwise"]

    assert torch.autograd.gradcheck(loss, relaxed.double().requires_grad_())


@pytest.mark.parametrize("similarity", [torch.ones(4, 4), torch.zeros(4, 4)])
def test_a_batch_with_one_kind_of_pair_costs_its_plain_mean(similarity):
    relaxed, _ = random_batch(4)
    logits = 10.0 * relaxed @ relaxed.T / 5
    expected = (torch.log1p(logits.exp()) - similarity * logits).mean()

    loss = hashnet_loss(relaxed, similarity, 10.0)["pairwise"]

    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_repeating_dissimilar_images_does_not_drown_the_similar_pairs():
    """One class of 2 against one of m, all codes equal: every m gives half of each side's cost."""
    losses = []
    for m in (2, 20, 200):
        classes = torch.tensor([0] * 2 + [1] * m)
        similarity = (classes[:, None] == classes[None, :]).float()
        losses.append(hashnet_loss(torch.ones(2 + m, 4), similarity, 3.0)["pairwise"].item())

    expected = (math.log(1 + math.exp(-3)) + math.log(1 + math.exp(3))) / 2
    assert losses == pytest.approx([expected] * 3, rel=1e-4)


def test_sharpness_grows_geometrically_from_one_to_its_end():
    """Three epochs towards 9: 1, 3, 9."""
    method = HashNet(4, HashNetConfig(epochs=3, beta_end=9.0))
    slopes = []

    for epoch in (1, 2, 3):
        method.on_epoch_start(epoch)
        slopes.append(torch.atanh(method.activation(torch.tensor(0.1))).item() / 0.1)

    assert slopes == pytest.approx([1, 3, 9], rel=1e-4)


def test_relaxed_codes_survive_the_state_round_trip():
    """The sharpness is not in the state, so a loaded method has to derive it."""
    features = torch.randn(24, 6, generator=torch.Generator().manual_seed(2))
    labels = torch.nn.functional.one_hot(torch.arange(24) % 3).bool()
    config = HashNetConfig(epochs=3, hidden=8)
    fitted = HashNet(8, config).fit(TrainingSet((features,), labels))
    loaded = HashNet(8, config)
    loaded.state = fitted.state

    assert torch.equal(loaded.relax(features), fitted.relax(features))
