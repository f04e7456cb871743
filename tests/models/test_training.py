"""fit_epochs: batches, schedule, history and cancellation."""

from __future__ import annotations

import math
from itertools import chain, pairwise

import pytest
import torch

from models.errors import Cancelled
from models.method import ignore
from models.training import Group, fit_epochs


def run(loss, parameters, *, n=10, learning_rate=0.1, **changes):
    """`fit_epochs` with small defaults; returns the history."""
    history = []
    options = {
        "epochs": 3,
        "batch": 4,
        "weight_decay": 0.0,
        "generator": torch.Generator().manual_seed(0),
        "on_epoch": history.append,
    }
    fit_epochs([Group(parameters, learning_rate)], n, loss, **(options | changes))
    return history


def test_step_size_falls_along_half_a_cosine():
    """With a constant gradient Adam moves by the step size: 0.1 (1 + cos(pi t / T)) / 2, t < T."""
    weight = torch.zeros(1, requires_grad=True)
    trace = [0.0]

    run(
        lambda rows: {"slope": weight.sum()},
        [weight],
        n=4,
        epochs=5,
        on_epoch=lambda log: trace.append(weight.item()),
    )

    steps = [before - after for before, after in pairwise(trace)]
    expected = [0.1 * (1 + math.cos(math.pi * t / 5)) / 2 for t in range(5)]
    assert steps == pytest.approx(expected, rel=1e-4)


def test_the_sum_of_the_terms_is_minimised():
    """(w - 1)^2 + (w - 3)^2 is least in the middle."""
    weight = torch.zeros(1, requires_grad=True)

    def loss(rows):
        return {"one": (weight - 1).square().sum(), "three": (weight - 3).square().sum()}

    run(loss, [weight], epochs=200)

    assert weight.item() == pytest.approx(2, abs=1e-2)


def test_every_image_is_seen_once_an_epoch_in_a_new_order():
    weight, seen = torch.zeros(1, requires_grad=True), []

    def loss(rows):
        seen.append(rows.tolist())
        return {"none": weight.sum() * 0}

    run(loss, [weight], epochs=2)

    assert [len(rows) for rows in seen] == [4, 4, 2] * 2
    first, second = list(chain(*seen[:3])), list(chain(*seen[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_a_last_batch_of_one_image_is_left_out():
    """9 images in batches of 4 leave one over; the mean is over the 8 that were seen."""
    weight, seen = torch.zeros(1, requires_grad=True), []

    def loss(rows):
        seen.append(rows)
        return {"value": rows.float().mean() + weight.sum() * 0}

    (log,) = run(loss, [weight], n=9, epochs=1)

    assert [len(rows) for rows in seen] == [4, 4]
    assert log.terms["value"] == pytest.approx(torch.cat(seen).float().mean().item())


def test_history_weighs_batches_by_their_size():
    """Batches of 4, 4 and 2: the mean of all images, not of the three batches."""
    weight = torch.zeros(1, requires_grad=True)

    history = run(
        lambda rows: {"a": rows.float().mean() + weight.sum() * 0, "b": weight.sum() * 0 + 7},
        [weight],
    )

    assert [(log.epoch, log.n_epochs) for log in history] == [(1, 3), (2, 3), (3, 3)]
    for log in history:
        assert log.terms == pytest.approx({"a": 4.5, "b": 7})
    assert 0 <= history[0].seconds <= history[1].seconds <= history[2].seconds


def test_weight_decay_shrinks_what_the_loss_leaves_alone():
    weights = [torch.ones(1, requires_grad=True) for _ in range(2)]

    for weight, decay in zip(weights, (0.0, 0.1), strict=True):
        run(lambda rows, weight=weight: {"none": weight.sum() * 0}, [weight], weight_decay=decay)

    assert weights[0].item() == 1
    assert weights[1].item() < 1


def test_cancelling_stops_before_the_next_epoch():
    weight, started = torch.zeros(1, requires_grad=True), []

    def cancel(log):
        if log.epoch == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(
            lambda rows: {"slope": weight.sum()},
            [weight],
            epochs=9,
            on_epoch=cancel,
            on_epoch_start=started.append,
        )

    assert started == [1, 2]


def test_the_same_seed_gives_the_same_weights():
    results = []
    for seed in (0, 0, 1):
        weight = torch.zeros(1, requires_grad=True)
        run(
            lambda rows, weight=weight: {"fit": (weight - rows.float()).square().mean()},
            [weight],
            generator=torch.Generator().manual_seed(seed),
            on_epoch=ignore,
        )
        results.append(weight.item())

    assert results[0] == results[1] != results[2]
