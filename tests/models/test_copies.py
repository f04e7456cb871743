"""Near-copies: which images count, and where copies are left alone."""

import pytest
import torch

from models import copies
from models.copies import distinct_rows, without_copies
from models.method import TrainingSet
from tests.models.openmoji_features import load


def images(n=60, d=24, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def noisy(features, times, noise=0.02):
    shape = (times - 1, *features.shape)
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return torch.cat([features, *(features + noise * drawn)])


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_first_of_each_group_counts(times, noise):
    assert distinct_rows(noisy(images(), times, noise)).tolist() == list(range(60))


def test_more_images_than_a_block_are_grouped_alike(monkeypatch):
    features = noisy(images(), 5)[torch.randperm(300, generator=torch.Generator().manual_seed(2))]
    whole = distinct_rows(features)
    monkeypatch.setattr(copies, "_BLOCK", 32)

    assert torch.equal(distinct_rows(features), whole)
    assert len(whole) == 60


def test_images_without_copies_are_left_alone():
    train = TrainingSet((images(),))

    assert without_copies(train, at_least=2) is train


def test_different_drawings_are_left_alone():
    """So every method learns from them exactly as it does without counting."""
    features = load().views[0]

    assert torch.equal(distinct_rows(features), torch.arange(len(features)))


def test_a_few_copies_are_left_alone():
    features = torch.cat([images(), images()[:10]])

    assert len(distinct_rows(features)) == 70


def test_a_chain_of_similar_images_does_not_become_one_group():
    """Points on a circle, each near the next: some of them remain all around it."""
    angle = torch.arange(180) * torch.pi / 90
    features = torch.stack([angle.cos(), angle.sin()], dim=1)

    rows = distinct_rows(features)

    assert 15 <= len(rows) <= 30


def test_all_views_and_labels_lose_the_same_images(caplog):
    features, labels = noisy(images(), 3), torch.eye(60).repeat(3, 1).bool()

    train = without_copies(TrainingSet((features, features + 1), labels), at_least=60)

    assert torch.equal(train.views[1], features[:60] + 1)
    assert torch.equal(train.labels, labels[:60])
    assert "near-copies count once: 60 of 180 images train" in caplog.text


def test_copies_stay_where_too_few_images_would_remain():
    train = TrainingSet((noisy(images(), 3),))

    assert without_copies(train, at_least=61) is train


def test_equal_images_are_refused_as_everywhere():
    with pytest.raises(ValueError, match="same features"):
        without_copies(TrainingSet((torch.ones(5, 3),)), at_least=2)
