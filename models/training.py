"""fit_epochs: the one loop of mini-batches; optimizer, schedule, history, checkpoints, stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.checkpoint import Checkpoints, NoCheckpoints, Snapshot
from models.method import EpochLog, OnEpoch

LossTerms = dict[str, Tensor]
OnStep = Callable[[int, int], None]


def ignore_step(_done: int, _total: int) -> None:
    """The step callback that does nothing."""


@dataclass(frozen=True)
class Group:
    """Parameters that are learned at one step size."""

    parameters: Sequence[Tensor]
    learning_rate: float


def fit_epochs(
    groups: Sequence[Group],
    n: int,
    loss: Callable[[Tensor], LossTerms],
    *,
    epochs: int,
    batch: int,
    weight_decay: float,
    generator: torch.Generator,
    on_epoch: OnEpoch,
    on_epoch_start: Callable[[int], None] = lambda epoch: None,
    on_step: OnStep = ignore_step,
    on_gradients: Callable[[], None] = lambda: None,
    accumulate: int = 1,
    snapshot: Snapshot | None = None,
    checkpoints: Checkpoints | None = None,
) -> None:
    """Minimise the sum of the loss terms with Adam and a cosine schedule.

    Args:
        groups: parameters that are learned; step sizes fall to 0 along a half cosine.
        n: number of training images.
        loss: terms, each a scalar mean, of the images with these numbers (b,).
        epochs: passes over the images.
        batch: images in a mini-batch; a last one of a single image is left out, since batch
            statistics and pairs need two.
        weight_decay: L2 penalty.
        generator: source of the order.
        on_epoch_start: called before each epoch with its number, from 1.
        on_epoch: called after each epoch with the mean of each term; may raise Cancelled.
        on_step: called after each mini-batch with those done and in all; may raise Cancelled.
        on_gradients: called before each step of the optimizer.
        accumulate: mini-batches whose gradients are averaged into one step.
        snapshot: reads and writes the state; needed for checkpoints.
        checkpoints: where to resume from, and where to keep the state after an epoch.
    """
    options = [{"params": list(g.parameters), "lr": g.learning_rate} for g in groups]
    optimizer = torch.optim.Adam(options, weight_decay=weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    checkpoints = checkpoints or NoCheckpoints()
    done = checkpoints.load()
    if done and snapshot:
        snapshot.restore(done, optimizer)
        schedule.last_epoch = done.epoch
    started = time.perf_counter()
    for epoch in range(1 + (done.epoch if done else 0), epochs + 1):
        on_epoch_start(epoch)
        batches = [rows for rows in _order(n, batch, generator) if len(rows) > 1]
        means = _epoch_means(
            batches,
            loss,
            optimizer,
            accumulate,
            on_gradients,
            lambda done: on_step((epoch - 1) * len(batches) + done, epochs * len(batches)),  # noqa: B023 - called within this turn
        )
        schedule.step()
        on_epoch(EpochLog(epoch, epochs, means, time.perf_counter() - started))
        if snapshot and checkpoints.is_due():
            checkpoints.save(snapshot.take(epoch, optimizer))


def _order(n: int, batch: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """The images of one epoch in a random order, split into mini-batches."""
    return torch.split(torch.randperm(n, generator=generator), batch)


def _epoch_means(
    batches: Sequence[Tensor],
    loss: Callable[[Tensor], LossTerms],
    optimizer: torch.optim.Optimizer,
    accumulate: int,
    on_gradients: Callable[[], None],
    on_batch: Callable[[int], None],
) -> dict[str, float]:
    """Learn from the mini-batches of one epoch; returns the mean of each term over the images."""
    sums: dict[str, float] = {}
    for number, rows in enumerate(batches, 1):
        terms = loss(rows)
        share = min(accumulate, len(batches) - (number - 1) // accumulate * accumulate)
        torch.autograd.backward(torch.stack(list(terms.values())).sum() / share)
        if number % accumulate == 0 or number == len(batches):
            on_gradients()
            optimizer.step()
            optimizer.zero_grad()
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(rows)
        on_batch(number)
    seen = sum(map(len, batches))
    return {name: value / seen for name, value in sums.items()}
