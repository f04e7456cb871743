"""Any torchvision classification network, by `torchvision:<name>`; weights are downloaded once.

For example `torchvision:resnet50`, or `torchvision:resnet50:IMAGENET1K_V1` for certain weights.
"""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.backbones.base import Backbone, fill, frozen, load_verified
from models.errors import WeightsError
from models.wording import unknown

_PREFIX = "torchvision:"
EXAMPLE = "resnet50"
BACKBONES = {f"{_PREFIX}NAME": "any torchvision classification network; downloads its weights"}


def load(name: str) -> Backbone:
    """The network of that name with its weights.

    Raises:
        ValueError: torchvision has no such network or weights.
        WeightsError: the weights are damaged or unavailable.
    """
    architecture, weights = _torchvision_weights(name)
    return torchvision_backbone(name, architecture, weights)


def check(name: str) -> None:
    """Raise the ValueError of `load`, without loading anything."""
    _torchvision_weights(name)


def torchvision_backbone(name: str, architecture: str, weights: Any) -> Backbone:
    """A torchvision classification network without its last layer.

    Args:
        name: the backbone's name.
        architecture: torchvision's name of the network.
        weights: an entry of torchvision's weights, or anything with `url` and `transforms()`.

    Raises:
        WeightsError: the weights are missing, damaged or cannot be downloaded.
    """
    from torchvision import models as zoo

    network = zoo.get_model(architecture, weights=None)
    fill(network, _downloaded_weights(weights.url), name)
    dim = _drop_classifier(network)
    digest = Path(weights.url).stem.rsplit("-", 1)[-1]
    return frozen(name, dim, f"{architecture}-{digest}", weights.transforms(), network)


def _torchvision_weights(name: str) -> tuple[str, Any]:
    """Architecture and weights entry that `torchvision:<architecture>[:<weights>]` names."""
    from torchvision import models as zoo  # seconds: torch's compiler comes with it

    architecture, _, variant = name.removeprefix(_PREFIX).partition(":")
    if architecture not in zoo.list_models(module=zoo):
        raise ValueError(unknown("torchvision network", architecture, tuple(zoo.list_models(zoo))))
    choices = zoo.get_model_weights(architecture)
    wanted = variant or "DEFAULT"
    if wanted not in choices.__members__:
        raise ValueError(unknown(f"weights of {architecture}", wanted, tuple(choices.__members__)))
    return architecture, choices[wanted]


def _downloaded_weights(url: str) -> dict[str, Tensor]:
    """Weights at `url`, downloaded into torch's own cache unless they lie there already.

    torch.hub checks the hash only when it downloads, so a file from its cache is verified here.
    """
    file_name = url.rsplit("/", 1)[-1]
    path = Path(torch.hub.get_dir()) / "checkpoints" / file_name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=None, progress=False)
        except (urllib.error.URLError, OSError) as error:
            raise WeightsError(
                f"cannot download {url} ({error}). Go online once, or put the file at {path}, "
                "or use the built-in backbone efficientnet_lite0"
            ) from error
    digest = Path(file_name).stem.rsplit("-", 1)[-1]
    return load_verified(path, digest, remedy=f"delete {path} and load it again")


def _drop_classifier(network: nn.Module) -> int:
    """Replace the last linear layer by the identity and return its input width.

    Raises:
        WeightsError: the network does not end in a linear layer.
    """
    *_, (path, last) = network.named_modules()
    if not isinstance(last, nn.Linear):
        raise WeightsError(f"{type(network).__name__} does not end in a linear classifier")
    parent, _, child = path.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    return last.in_features
