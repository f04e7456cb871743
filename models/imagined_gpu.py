"""A GPU that torch only imagines: whether a loss computes where its batch is, told without one.

Fake tensors have a shape, a type and a device, but no content; an operation on two devices is
refused as on a real GPU (torch._subclasses.fake_tensor, which torch.compile works with).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from models.deep import Batch, DeepHashMethod
from models.method import TrainingSet

_BATCH = 32


def loss_on_gpu(method: DeepHashMethod, train: TrainingSet, epoch: int) -> dict[str, str]:
    """The device type of each term of a method's loss, where its batch is on a GPU.

    Args:
        method: not fitted; of no use afterwards.
        train: its training set, on the CPU.
        epoch: of which the loss is asked.

    Raises:
        RuntimeError: the loss mixes devices; torch says which.
    """
    method.on_fit_start(train)
    method.on_epoch_start(epoch)
    with FakeTensorMode(), torch.device("cuda") as gpu:
        for name, value in vars(method).items():
            if isinstance(value, Tensor):
                setattr(method, name, torch.empty(value.shape, dtype=value.dtype))
        views = tuple(torch.empty(_BATCH, train.features.shape[1]) for _ in range(_n_views(method)))
        relaxed = tuple(torch.empty(_BATCH, method.bits) for _ in views)
        labels = None
        if train.labels is not None:
            labels = torch.empty(_BATCH, train.labels.shape[1], dtype=torch.bool)
        terms = method.loss(Batch(torch.arange(_BATCH, device=gpu), views, relaxed, labels))
    return {name: term.device.type for name, term in terms.items()}


def _n_views(method: DeepHashMethod) -> int:
    return min(method.card.views, 2)
