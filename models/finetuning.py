"""Fine-tuning: a backbone that learns together with the head of a deep method.

Head and loss stay on the CPU, where every method keeps its targets and banks. The backbone, which
takes nearly all the time, works on its device, and with several processes (torchrun) each of them
embeds its part of a mini-batch: the features of all parts are gathered, so that losses over pairs
and banks see the same batch as with one process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
import torch.distributed as dist
from torch import Tensor, nn

from models.backbones.base import Backbone
from models.finetuning_config import FineTuning

Images = Callable[[list[int], int], Tensor]  # training images, view (0: plain) -> (b, 3, h, w)


class Source(ABC):
    """Source of the head's inputs, mini-batch by mini-batch; this one learns nothing.

    Attributes:
        parameters: parameters that learn, by name.
        learning_rate: step size at the start.
        accumulate: mini-batches whose gradients make one step.
    """

    parameters: Mapping[str, nn.Parameter] = MappingProxyType({})
    learning_rate: float = 0.0
    accumulate: int = 1

    @abstractmethod
    def views(self, rows: Tensor, count: int) -> tuple[Tensor, ...]:
        """Features (b, d) of one or two views of training images.

        Args:
            rows: (b,) numbers of the images in the training set.
            count: views that the method's card asks for. 1: one, plain or augmented; 2: the plain
                one and an augmented one; more: two augmented ones.
        """

    def on_epoch_start(self, epoch: int) -> None:  # noqa: B027 - a source may leave it out
        """Change what depends on the epoch (from 1)."""

    def on_gradients(self) -> None:  # noqa: B027 - as above
        """Act before each step of the optimizer."""


class StoredViews(Source):
    """Features that were computed before: a frozen backbone.

    Args:
        stored: (n, d) each: the plain images, or these and augmented views.
        generator: chooses among the augmented views; untouched where there are none.
    """

    def __init__(self, stored: tuple[Tensor, ...], generator: torch.Generator) -> None:
        self._stored, self._generator = stored, generator

    def views(self, rows: Tensor, count: int) -> tuple[Tensor, ...]:
        """The views, or two of the augmented ones at random, where the card asks for several."""
        return tuple(view[rows] for view in drawn(self._stored[:count], self._generator))


class TrainableBackbone(Source):
    """A backbone in front of the head, of which the last stages learn.

    Args:
        backbone: a copy of its own: its network is changed.
        images: training images as the network takes them.
        config: how it learns.
    """

    def __init__(
        self,
        backbone: Backbone,
        images: Images,
        config: FineTuning,
    ) -> None:
        self.config, self.backbone, self._images = config, backbone, images
        self._device = torch.device(backbone.device)
        self.parameters = unfreeze(backbone.network, config.stages)
        self.learning_rate, self.accumulate = config.learning_rate, config.accumulate
        self._epoch = 1

    def on_epoch_start(self, epoch: int) -> None:
        """Change the augmented views with the epoch, and only with it."""
        self._epoch = epoch

    def views(self, rows: Tensor, count: int) -> tuple[Tensor, ...]:
        """Embed the views with their gradient; augmented views are new ones in every epoch."""
        if count == 1:
            numbers = [self._epoch if self.config.augment else 0]
        elif count == 2:
            numbers = [0, self._epoch]
        else:
            numbers = [2 * self._epoch - 1, 2 * self._epoch]
        return tuple(self._features(rows.tolist(), number) for number in numbers)

    def on_gradients(self) -> None:
        """Add the gradients of all processes: each knows those of its own images."""
        if dist.is_initialized():
            for parameter in self.parameters.values():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                dist.all_reduce(parameter.grad)

    def _features(self, rows: list[int], view: int) -> Tensor:
        if not dist.is_initialized():
            return self._embedded(rows, view)
        parts = [rows[rank :: dist.get_world_size()] for rank in range(dist.get_world_size())]
        local = self._embedded(parts[dist.get_rank()], view)
        features = torch.zeros(len(rows), self.backbone.dim)
        features[dist.get_rank() :: dist.get_world_size()] = local.detach()
        features = features.to(self._device)
        dist.all_reduce(features)  # each process has filled in its rows, the others are 0
        gathered = features.cpu()
        gathered[dist.get_rank() :: dist.get_world_size()] = local  # with its gradient
        return gathered

    def _embedded(self, rows: list[int], view: int) -> Tensor:
        """Features (b, d) on the CPU, with gradient."""
        if not rows:
            return torch.zeros(0, self.backbone.dim)
        images = self._images(rows, view).to(self._device)
        is_mixed = self.config.mixed_precision and self._device.type == "cuda"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=is_mixed):
            features: Tensor = self.backbone.network(
                images.contiguous(memory_format=torch.channels_last)
            )
        return features.float().cpu()


def drawn(views: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """The views of one step: two augmented ones at random, where there are several; else all.

    Args:
        views: views of the training images, the plain one first.
        generator: source of the choice; untouched when there is none.
    """
    if len(views) < 3:
        return views
    first, second = (1 + torch.randperm(len(views) - 1, generator=generator)[:2]).tolist()
    return views[first], views[second]


def stages(network: nn.Module) -> list[nn.Module]:
    """The parts of a network that have weights, from the image on; lists of blocks are opened.

    So is what only wraps a network, to pool or to scale its features.
    """
    modules: list[nn.Module] = []
    children = list(network.children())
    if len(children) == 1 and not isinstance(children[0], nn.Sequential | nn.ModuleList):
        return stages(children[0]) or children
    for child in children:
        parts = list(child) if isinstance(child, nn.Sequential | nn.ModuleList) else [child]
        modules += [part for part in parts if any(True for _ in part.parameters())]
    return modules


def unfreeze(network: nn.Module, last: int) -> dict[str, nn.Parameter]:
    """Let the `last` stages learn, all for 0; returns their parameters by name.

    The network stays in evaluation mode: batch statistics of few images would do harm.

    Raises:
        ValueError: the network has fewer stages.
    """
    modules = stages(network)
    if last > len(modules):
        raise ValueError(f"the backbone has {len(modules)} stages that can learn, got {last}")
    learning = {id(p) for stage in modules[-last:] for p in stage.parameters()}
    for parameter in network.parameters():
        parameter.requires_grad_(not last or id(parameter) in learning)
    return {name: p for name, p in network.named_parameters() if p.requires_grad}
