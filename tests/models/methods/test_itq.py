"""ITQ: against a naive re-derivation and against another implementation."""

import faiss
import numpy as np
import pytest
import torch

from models.linear import closest_rotation
from models.method import TrainingSet
from models.methods.itq import ITQ, ITQConfig


def features(n=300, d=24, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator) @ torch.randn(d, d, generator=generator)


def naive_itq(components, rotation, iterations):
    """The paper's two steps: B = sign(V R); V^T B = U S W^T, R = U W^T."""
    for _ in range(iterations):
        codes = np.where(components @ rotation >= 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(components.T @ codes)
        rotation = left @ right
    return rotation


def quantization_error(components, rotation):
    rotated = components @ rotation
    return float(((np.where(rotated >= 0, 1, -1) - rotated) ** 2).mean())


def test_the_objective_never_rises_and_is_logged():
    logged = []

    ITQ(12, ITQConfig(iterations=40)).fit(TrainingSet((features(),)), on_epoch=logged.append)

    losses = [epoch.terms["quantization"] for epoch in logged]
    assert len(losses) == 40
    assert (np.diff(losses) <= 1e-5).all()
    assert losses[-1] < losses[0]


def test_the_projection_is_orthogonal():
    state = ITQ(12).fit(TrainingSet((features(),))).state

    projection = state["projection"]
    assert torch.allclose(projection.T @ projection, torch.eye(12), atol=1e-5)


def test_it_is_the_papers_alternation_from_the_same_start():
    """From the random rotation that no iterations leave, the same number of rounds in numpy."""
    train = TrainingSet((features(),))
    start, fitted = (ITQ(10, ITQConfig(iterations=rounds)).fit(train) for rounds in (0, 25))
    centred = (train.features - train.features.mean(0)).double().numpy()
    right = np.linalg.svd(centred, full_matrices=False)[2][:10]
    right *= np.sign(np.take_along_axis(right, abs(right).argmax(axis=1, keepdims=True), axis=1))
    rotation = right @ start.state["projection"].double().numpy()

    expected = right.T @ naive_itq(centred @ right.T, rotation, 25)

    assert fitted.state["projection"].numpy() == pytest.approx(expected, abs=1e-3)


def test_the_rotation_of_four_points_by_hand():
    """The best rotation takes the axes, on which the points lie, to the diagonals.

    From any start the code of (3, 0) is at a right angle to that of (0, 1), as (1, -1) is to
    (1, 1), and the other two points have the opposite codes. So V^T B = [[6, -6], [2, 2]] up to
    signs, its left singular vectors are the axes and its right ones its rows over their lengths:
    R = [[1, -1], [1, 1]] / sqrt 2. Then points lie 3 and 1 from the centre in the direction of
    their codes, which lie sqrt 2 from it.
    """
    points = torch.tensor([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    logged = []

    state = ITQ(2).fit(TrainingSet((points,)), on_epoch=logged.append).state

    rotation = state["projection"]  # the principal axes are x and y: R itself
    assert rotation.abs().numpy() == pytest.approx(np.full((2, 2), np.sqrt(0.5)), abs=1e-6)
    by_hand = ((3 - np.sqrt(2)) ** 2 + (1 - np.sqrt(2)) ** 2) / 2 / 2
    assert logged[-1].terms["quantization"] == pytest.approx(by_hand, abs=1e-6)


def test_the_procrustes_step_by_hand():
    """V^T B = [[6, -6], [2, 2]] as above, so R = [[1, -1], [1, 1]] / sqrt 2."""
    points = torch.tensor([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    codes = torch.tensor([[1.0, -1], [-1, 1], [1, 1], [-1, -1]])

    rotation = closest_rotation(points, codes)

    assert rotation.numpy() == pytest.approx(np.array([[1, -1], [1, 1]]) / np.sqrt(2), abs=1e-6)


def test_the_error_is_as_small_as_another_implementations():
    """Both are local optima from random starts: compared by their error, best of five starts."""
    train = features(n=1000, d=16)
    centred = np.ascontiguousarray((train - train.mean(0)).numpy())
    ours, theirs = [], []
    for seed in range(5):
        method = ITQ(16, ITQConfig(iterations=50), seed=seed).fit(TrainingSet((train,)))
        ours.append(quantization_error(centred, method.state["projection"].numpy()))
        peer = faiss.ITQMatrix(16)
        peer.seed, peer.max_iter = seed + 1, 50
        peer.train(centred)
        rotation = faiss.vector_to_array(peer.A).reshape(16, 16).T
        theirs.append(quantization_error(centred, rotation))

    assert min(ours) == pytest.approx(min(theirs), rel=0.03)


def test_a_learned_rotation_loses_less_than_a_random_one():
    """No iterations leave the random start."""
    train = features()
    plain, rotated = (
        ITQ(12, ITQConfig(iterations=rounds)).fit(TrainingSet((train,))) for rounds in (0, 50)
    )
    centred = (train - train.mean(0)).numpy()

    errors = [quantization_error(centred, m.state["projection"].numpy()) for m in (plain, rotated)]

    assert errors[1] < errors[0]
