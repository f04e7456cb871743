"""Checkpoints: all that a training loop needs to resume as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_DEVICE_RANDOM = "random on the device"
_OPTIMIZER, _HEAD, _LEARNED, _METHOD, _TRUNK = "optimizer", "head", "learned", "method", "trunk"


@dataclass(frozen=True)
class Checkpoint:
    """A training after a whole number of epochs.

    Attributes:
        epoch: the last epoch that is in it.
        rates: step size of each parameter group; its recursion is not exact in closed form.
        tensors: everything else, by name; random states are (bytes,) uint8.
    """

    epoch: int
    rates: tuple[float, ...]
    tensors: dict[str, Tensor]


class Checkpoints(Protocol):
    """Place where the checkpoints of one training are kept; only the last one counts."""

    def load(self) -> Checkpoint | None:
        """Return the last checkpoint, None at the start."""
        ...

    def is_due(self) -> bool:
        """Whether another one is worth its time now."""
        ...

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep this checkpoint instead of the last; its tensors change after the call."""
        ...


class NoCheckpoints:
    """Checkpoints that keep nothing."""

    def load(self) -> Checkpoint | None:
        """Return None: every training starts at the beginning."""
        return None

    def is_due(self) -> bool:
        """Say that a checkpoint is never due."""
        return False

    def save(self, checkpoint: Checkpoint) -> None:
        """Discard the checkpoint."""


class MemoryCheckpoints(NoCheckpoints):
    """Checkpoints of which the last is kept in memory."""

    def __init__(self) -> None:
        self.last: Checkpoint | None = None

    def load(self) -> Checkpoint | None:
        """Return the last checkpoint."""
        return self.last

    def is_due(self) -> bool:
        """Say that a checkpoint is always due."""
        return True

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep a copy of the checkpoint."""
        copies = {name: tensor.clone() for name, tensor in checkpoint.tensors.items()}
        self.last = Checkpoint(checkpoint.epoch, checkpoint.rates, copies)


class Snapshot:
    """Snapshot of the whole state of one training: head, method, optimizer, random numbers.

    A method changes tensors of its own while it trains (free codes, banks, matched targets). Those
    that differ from what they were after `on_fit_start` are found by themselves; the others are the
    same again after the next `on_fit_start` and are not stored.

    Args:
        head: network that every deep method trains.
        method: tensors among its attributes.
        learned: parameters that it learns beside the head.
        generator: source of the order of images.
        trunk: parameters of the backbone that learn too, by name.
        device: where head and loss compute, whose random state is kept as well.
    """

    def __init__(
        self,
        head: nn.Module,
        method: object,
        learned: list[Tensor],
        generator: torch.Generator,
        trunk: Mapping[str, Tensor],
        device: torch.device = torch.device("cpu"),  # noqa: B008 - it cannot be changed
    ) -> None:
        self._device = device
        self._head, self._method, self._learned = head, method, learned
        self._generator, self._trunk = generator, trunk
        self._first = {name: (tensor, tensor._version) for name, tensor in self._own().items()}

    def take(self, epoch: int, optimizer: Optimizer) -> Checkpoint:
        """The state after `epoch`; its tensors are those in use, not copies."""
        parts = {
            _HEAD: self._head.state_dict(),
            _LEARNED: {str(place): tensor for place, tensor in enumerate(self._learned)},
            _METHOD: {name: t for name, t in self._own().items() if self._has_changed(name, t)},
            _TRUNK: dict(self._trunk),
            _OPTIMIZER: {
                f"{place}.{key}": value
                for place, parameter in enumerate(_parameters(optimizer))
                for key, value in optimizer.state[parameter].items()
            },
        }
        tensors = {
            f"{part}.{name}": tensor.detach()
            for part, named in parts.items()
            for name, tensor in named.items()
        }
        tensors["random"] = torch.get_rng_state()
        if self._device.type != "cpu":
            tensors[_DEVICE_RANDOM] = torch.get_device_module(self._device).get_rng_state()
        tensors["order"] = self._generator.get_state()
        rates = tuple(float(group["lr"]) for group in optimizer.param_groups)
        return Checkpoint(epoch, rates, tensors)

    def restore(self, checkpoint: Checkpoint, optimizer: Optimizer) -> None:
        """Put the state back, into the same modules and parameters."""
        tensors = checkpoint.tensors
        self._head.load_state_dict(_part(tensors, _HEAD))
        with torch.no_grad():
            for place, tensor in enumerate(self._learned):
                tensor.copy_(tensors[f"{_LEARNED}.{place}"])
            for name, tensor in self._trunk.items():
                tensor.copy_(tensors[f"{_TRUNK}.{name}"])
        for name, tensor in _part(tensors, _METHOD).items():
            setattr(self._method, name, tensor.to(self._device, copy=True))
        for place, parameter in enumerate(_parameters(optimizer)):
            state = _part(tensors, f"{_OPTIMIZER}.{place}")
            optimizer.state[parameter] = {
                key: value.to(parameter.device, copy=True) for key, value in state.items()
            }
        for group, rate in zip(optimizer.param_groups, checkpoint.rates, strict=True):
            group["lr"] = rate
        torch.set_rng_state(tensors["random"])
        if self._device.type != "cpu" and _DEVICE_RANDOM in tensors:
            torch.get_device_module(self._device).set_rng_state(tensors[_DEVICE_RANDOM])
        self._generator.set_state(tensors["order"])

    def _own(self) -> dict[str, Tensor]:
        """The method's attributes that are tensors, without those that are learned."""
        learned = {id(tensor) for tensor in self._learned}
        return {
            name: value
            for name, value in vars(self._method).items()
            if isinstance(value, Tensor) and id(value) not in learned
        }

    def _has_changed(self, name: str, tensor: Tensor) -> bool:
        """Replaced, or written to, since the training began."""
        first, version = self._first.get(name, (None, 0))
        return tensor is not first or tensor._version != version


def forked_random_state(device: torch.device) -> AbstractContextManager[None]:
    """Leave the random states of torch, on the CPU and a device, as they were before."""
    if device.type == "cpu":
        return torch.random.fork_rng(devices=[])
    return torch.random.fork_rng(devices=[device], device_type=device.type)


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
