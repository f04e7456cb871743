"""The neighbourhood loss against its formula, and what it does to codes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.method import TrainingSet
from models.methods.ud2h import UD2H
from models.neighbourhood import Neighbourhood
from models.ud2h_config import UD2HConfig
from tests.models.openmoji_features import load


def points(n=30, width=6):
    return F.normalize(torch.randn(n, width, generator=torch.Generator().manual_seed(0)))


def test_the_shares_are_a_softmax_over_the_twenty_nearest_others():
    found = Neighbourhood.of(points())

    cosines = points().double().numpy() @ points().double().numpy().T - 9 * np.eye(30)
    order = np.argsort(-cosines, axis=1)[:, :20]
    weights = np.exp(np.take_along_axis(cosines, order, 1) / 0.1)
    assert (found.numbers.numpy() == order).all()
    assert found.shares.numpy() == pytest.approx(weights / weights.sum(1, keepdims=True), abs=1e-4)


def test_few_images_have_all_others_as_neighbours():
    numbers = Neighbourhood.of(points(3)).numbers.numpy()

    assert np.sort(numbers, axis=1).tolist() == [[1, 2], [0, 2], [0, 1]]


def test_the_loss_is_the_cross_entropy_over_all_codes_but_the_own_times_the_bits():
    codes = torch.randn(30, 8, generator=torch.Generator().manual_seed(1)).sign()
    relaxed = torch.tanh(torch.randn(2, 8, generator=torch.Generator().manual_seed(2)))
    rows, one = torch.tensor([4, 17]), Neighbourhood.of(points())

    loss = one.loss(relaxed, rows, codes, 5.0)

    expected = 0.0
    for output, row in zip(relaxed.double().numpy(), rows.tolist(), strict=True):
        logits = codes.double().numpy() @ output * 5 / 8
        chances = np.exp(np.delete(logits, row))
        whole = np.log(chances.sum())
        for other, share in zip(one.numbers[row].tolist(), one.shares[row].tolist(), strict=True):
            expected -= 8 * share * (logits[other] - whole) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_overlap_is_the_share_of_neighbours_neighbours_that_are_neighbours():
    one = Neighbourhood.of(points(60))

    hoods = [set(row) for row in one.numbers.tolist()]
    shares = [len(hood & hoods[other]) / 20 for hood in hoods for other in hood]
    assert one.overlap == pytest.approx(np.mean(shares))
    assert one.sharpness == pytest.approx(13 * np.mean(shares))


def test_small_kinds_overlap_more_than_large_ones():
    def overlap(kinds):
        centres = torch.randn(kinds, 16, generator=torch.Generator().manual_seed(1))
        noise = 0.3 * torch.randn(240, 16, generator=torch.Generator().manual_seed(2))
        return Neighbourhood.of(F.normalize(centres[torch.arange(240) % kinds] + noise)).overlap

    assert overlap(10) > overlap(2) + 0.1


def test_codes_keep_more_neighbours_of_drawings_with_it():
    """Of the ten nearest by cosine, those among the first ten by code, ties in expectation."""
    features = load().views[0]
    centred = F.normalize(features - features.mean(0))
    nearest = (centred @ centred.T).fill_diagonal_(-1).topk(10).indices.numpy()

    def kept(weight):
        config = UD2HConfig(lambda_n=weight, rounds=30, min_images=0)
        codes = UD2H(32, config).fit(TrainingSet((features,))).encode(features)
        distances = codes.hamming(codes).astype(float)
        np.fill_diagonal(distances, np.inf)
        tenth = np.partition(distances, 9, axis=1)[:, 9:10]
        nearer, tied = distances < tenth, distances == tenth
        left = (10 - nearer.sum(1, keepdims=True)) / tied.sum(1, keepdims=True)
        return np.take_along_axis(nearer + tied * left, nearest, axis=1).mean()

    assert kept(0.15) > kept(0.0) + 0.03
