"""A small network whose features vary, images for it, and a method that learns it.

`torchrun -m tests.models.small_network FILE` trains in several processes; each stores the weights.
"""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import nn

from models.backbones.base import Backbone
from models.finetuning import TrainableBackbone
from models.finetuning_config import FineTuning
from models.method import TrainingSet
from models.methods.dpsh import DPSH, DPSHConfig

N = 12


def backbone() -> Backbone:
    """Four stages of random weights, 32 px, 24-d."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(16, 24, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 24)),
        )
    network.eval().requires_grad_(False)
    return Backbone("small", 24, "small", lambda image: torch.zeros(3, 32, 32), network)


def images() -> torch.Tensor:
    """Twelve noisy images (n, 3, 32, 32), every other one brighter."""
    generator = torch.Generator().manual_seed(0)
    bright = torch.arange(N) % 2
    return torch.randn(N, 3, 32, 32, generator=generator) * 0.5 + bright[:, None, None, None] * 0.3


def trunk(network: Backbone, seen: list[int] | None = None, **config: object) -> TrainableBackbone:
    """The network as something that learns; notes the views that it is asked for."""
    pictures = images()

    def load(rows: list[int], view: int) -> torch.Tensor:
        if seen is not None:
            seen.append(view)
        generator = torch.Generator().manual_seed(view)
        noise = torch.randn(N, 3, 32, 32, generator=generator)[rows] * (0.1 if view else 0)
        return pictures[rows] + noise

    return TrainableBackbone(network, load, FineTuning.model_validate({"stages": 0, **config}))


def train(network: Backbone) -> TrainingSet:
    """Features at the start, two classes."""
    with torch.inference_mode():
        features = network.network(images())
    return TrainingSet((features.clone(),), torch.eye(2, dtype=torch.bool)[torch.arange(N) % 2])


def dpsh(epochs: int = 4, **config: object) -> DPSH:
    """DPSH with a small head."""
    small = {"hidden": 0, "dropout": 0.0, "batch": 4, "epochs": epochs}
    return DPSH(8, DPSHConfig.model_validate({**small, **config}))


def weights(network: Backbone) -> dict[str, torch.Tensor]:
    """A copy of the network's weights."""
    return {name: p.detach().clone() for name, p in network.network.named_parameters()}


def learned() -> dict[str, torch.Tensor]:
    """The weights of backbone and head after three epochs in batches of 5."""
    own = backbone()
    method = dpsh(3, batch=5).fit(train(own), trunk=trunk(own, learning_rate=1e-3))
    return {**weights(own), **{name: value.contiguous() for name, value in method.state.items()}}


if __name__ == "__main__":
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    save_file(learned(), f"{sys.argv[1]}.{dist.get_rank()}")
    dist.barrier()  # a process that leaves while the other still talks can abort it
    dist.destroy_process_group()
