"""fit_epochs: the one loop of mini-batches; optimizer, schedule, seed, history, cancellation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from models.method import EpochLog, OnEpoch

LossTerms = dict[str, Tensor]


def fit_epochs(
    parameters: Iterable[Tensor],
    n: int,
    loss: Callable[[Tensor], LossTerms],
    *,
    epochs: int,
    batch: int,
    learning_rate: float,
    weight_decay: float,
    generator: torch.Generator,
    on_epoch: OnEpoch,
    on_epoch_start: Callable[[int], None] = lambda epoch: None,
) -> None:
    """Minimise the sum of the loss terms with Adam and a cosine schedule.

    Args:
        parameters: what is learned.
        n: number of training images.
        loss: terms, each a scalar mean, of the images with these numbers (b,).
        epochs: passes over the images.
        batch: images in a mini-batch; a last one of a single image is left out, since batch
            statistics and pairs need two.
        learning_rate: at the start; it falls to 0 along a half cosine.
        weight_decay: L2 penalty.
        generator: source of the order.
        on_epoch_start: called before each epoch with its number, from 1.
        on_epoch: called after each epoch with the mean of each term; may raise Cancelled.
    """
    optimizer = torch.optim.Adam(
        parameters, lr=learning_rate, weight_decay=weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    started = time.perf_counter()
    for epoch in range(1, epochs + 1):
        sums: dict[str, float] = {}
        seen = 0
        on_epoch_start(epoch)
        for rows in torch.split(torch.randperm(n, generator=generator), batch):
            if len(rows) < 2:
                continue
            terms = loss(rows)
            optimizer.zero_grad()
            torch.autograd.backward(torch.stack(list(terms.values())).sum())
            optimizer.step()
            seen += len(rows)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(rows)
        schedule.step()
        means = {name: value / seen for name, value in sums.items()}
        on_epoch(EpochLog(epoch, epochs, means, time.perf_counter() - started))
