"""ADSH: the label target that is never formed, and the alternation of network and codes."""

from __future__ import annotations

import pytest
import torch

from models.asymmetric import asymmetric_loss
from models.deep import Batch
from models.method import TrainingSet
from models.methods.adsh import ADSH, ADSHConfig, LabelTarget


def random_labels(n=12, classes=4, seed=0):
    return torch.rand(n, classes, generator=torch.Generator().manual_seed(seed)) < 0.35


def dense(labels, scale=1.0):
    """S pair by pair: scale where a label is shared, else -scale r, r = similar / dissimilar."""
    n = len(labels)
    shared = [
        [any(bool(labels[i, c] & labels[j, c]) for c in range(labels.shape[1])) for j in range(n)]
        for i in range(n)
    ]
    similar = sum(map(sum, shared))
    ratio = similar / (n * n - similar)
    return torch.tensor([[scale if s else -scale * ratio for s in row] for row in shared])


def test_target_by_hand():
    """Labels a, a, b: 5 of 9 pairs are similar, so the others weigh 5/4."""
    labels = torch.tensor([[1, 0], [1, 0], [0, 1]]).bool()

    product = LabelTarget.of(labels).times(torch.eye(3))

    expected = [[1, 1, -1.25], [1, 1, -1.25], [-1.25, -1.25, 1]]
    assert product.tolist() == expected
    assert LabelTarget.of(labels).energy().tolist() == pytest.approx([2 + 1.5625] * 2 + [4.125])


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_target_written_with_loops(scale):
    labels = random_labels()
    matrix = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
    expected = dense(labels, scale)

    target = LabelTarget.of(labels, scale)

    assert torch.allclose(target.times(matrix), expected @ matrix, atol=1e-5)
    assert torch.allclose(target.energy(), expected.square().sum(1), atol=1e-5)


def test_similar_and_dissimilar_pairs_weigh_the_same():
    assert LabelTarget.of(random_labels(40)).times(torch.ones(40, 1)).sum().item() == pytest.approx(
        0, abs=1e-3
    )


def test_all_images_alike_give_a_finite_target():
    target = LabelTarget.of(torch.ones(6, 2).bool())

    assert torch.equal(target.times(torch.eye(6)), torch.ones(6, 6))


def test_gradient_of_the_loss_on_the_label_target():
    labels = random_labels(seed=2)
    source = torch.Generator().manual_seed(3)
    codes = torch.randint(0, 2, (12, 6), generator=source).double() * 2 - 1
    relaxed = torch.tanh(torch.randn(12, 6, generator=source, dtype=torch.float64))
    target = LabelTarget.of(labels)
    similar = dense(labels).double()

    def loss(outputs):
        return asymmetric_loss(
            outputs, similar @ codes, target.energy().double(), codes.T @ codes, len(codes)
        )

    assert torch.autograd.gradcheck(loss, relaxed.requires_grad_())


def started(labels, **config):
    method = ADSH(8, ADSHConfig(**config))
    method.on_fit_start(TrainingSet((torch.zeros(len(labels), 3),), labels))
    method.on_epoch_start(1)
    return method


def batch_of(labels, rows, seed=4):
    source = torch.Generator().manual_seed(seed)
    relaxed = torch.tanh(torch.randn(len(rows), 8, generator=source))
    return Batch(rows, (relaxed,), (relaxed,), labels[rows])


def test_the_loss_of_a_batch_is_the_mean_over_all_pairs():
    labels, rows = random_labels(), torch.tensor([7, 2, 9])
    method = started(labels, gamma=0.2, scale=0.5)
    batch, codes, target = batch_of(labels, rows), method._codes, dense(labels, 0.5)

    terms = method.loss(batch)

    outputs = batch.relaxed[0]
    pairs = [
        (float(outputs[i] @ codes[j]) - 8 * float(target[row, j])) ** 2
        for i, row in enumerate(rows)
        for j in range(12)
    ]
    own = sum(float((outputs[i] - codes[row]).square().sum()) for i, row in enumerate(rows))
    assert terms["similarity"].item() == pytest.approx(sum(pairs) / 3 / 12 / 8, rel=1e-4)
    assert terms["quantization"].item() == pytest.approx(0.2 * own / 3, rel=1e-4)


def test_codes_move_at_the_end_of_a_round_and_lower_the_loss():
    labels, every = random_labels(), torch.arange(12)
    method = started(labels, round_epochs=2)
    batch, first = batch_of(labels, every), method._codes
    before = sum(method.loss(batch).values()).item()

    method.on_epoch_start(2)
    within = method._codes
    method.on_epoch_start(3)

    assert torch.equal(within, first)
    assert not torch.equal(method._codes, first)
    assert sum(method.loss(batch).values()).item() < before


@pytest.mark.parametrize(
    ("given", "several", "scale"), [(0.0, False, 1.0), (0.0, True, 0.3), (0.7, True, 0.7)]
)
def test_several_labels_ask_for_smaller_inner_products_unless_a_scale_is_given(
    given, several, scale
):
    labels = torch.tensor([[1, 0], [0, 1], [1, several]]).bool()

    method = started(labels, scale=given)

    assert method._target.times(torch.eye(3)).max().item() == pytest.approx(scale)
