"""Any image network of timm, by `timm:<name>`: DINOv2 and 3, SigLIP 2, ConvNeXt, MobileCLIP ...

For example `timm:vit_small_patch14_dinov2.lvd142m`, `timm:resnet50,pool=gem`, or with weights of
your own `timm:convnext_tiny@weights.safetensors`. Preprocessing is the network's own.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from models.backbones.base import Backbone, frozen, network_weights
from models.backbones.network_names import (
    NetworkName,
    parsed,
    pin,
    unknown_network,
    unwrapped,
)
from models.backbones.pooling import Pooled
from models.errors import WeightsError
from models.installation import extra

_PREFIX = "timm:"
EXAMPLE = "vit_small_patch14_dinov2.lvd142m"
BACKBONES = {f"{_PREFIX}NAME": "any image network of timm; downloads its weights, or takes a file"}
_WEIGHTS = "model.safetensors"  # in timm's repositories


def load(name: str) -> Backbone:
    """The network of that name with its weights.

    Raises:
        ValueError: timm is not installed, or has no such network; the network has no such option.
        WeightsError: the weights are damaged, of another network, or unavailable.
    """
    check(name)
    wanted = parsed(name, _PREFIX)
    state, digest = network_weights(wanted, "timm", _published)
    return timm_backbone(name, wanted, unwrapped(state), digest)


def check(name: str) -> None:
    """Raise the ValueError of `load`, without loading anything."""
    wanted = parsed(name, _PREFIX)
    timm = _timm()
    if not timm.is_model(wanted.architecture):
        known = tuple(timm.list_models()) + tuple(timm.list_pretrained())
        raise ValueError(unknown_network("timm", wanted.architecture, known))
    if wanted.path is None and not timm.is_model_pretrained(wanted.architecture):
        raise ValueError(
            f"timm has no weights for {wanted.architecture}; name a file: "
            f"{_PREFIX}{wanted.architecture}@weights.safetensors"
        )


def pinned(name: str) -> str:
    """The name with the hash of the file that it leads to."""
    return pin(name, _PREFIX)


def timm_backbone(
    name: str, wanted: NetworkName, state: dict[str, Tensor], digest: str
) -> Backbone:
    """A network of timm with these weights, without its classifier.

    Args:
        name: the backbone's name.
        wanted: the same, taken apart.
        state: weights as timm saves them, or as the network's authors do where timm knows how.
        digest: SHA-256 of their file.

    Raises:
        ValueError: the network has no such size or pooling.
        WeightsError: the weights are of another network.
    """
    from timm.data import create_transform, resolve_model_data_config

    network = _network(name, wanted, state)
    _check_patches(network, wanted)
    data = resolve_model_data_config(network, {"img_size": wanted.size} if wanted.size else None)
    preprocess = create_transform(**data, is_training=False)
    facts = f"{wanted.options} {sorted(data.items())!s}"
    prepared = hashlib.sha256(facts.encode()).hexdigest()[:8]
    architecture = wanted.architecture.partition(".")[0]
    dim = int(network.num_features)
    pooled = Pooled(network, wanted.pool) if wanted.pool else network
    if not wanted.pool:
        dim = _dim(network, data["input_size"])
    fingerprint = f"timm-{architecture}-{digest[:16]}-{prepared}"
    return frozen(name, dim, fingerprint, preprocess, pooled)


def _network(name: str, wanted: NetworkName, state: dict[str, Tensor]) -> Any:
    """The network filled with weights; timm translates those of the network's authors."""
    timm = _timm()
    options: dict[str, Any] = {"num_classes": 0, "pretrained": True}
    options["pretrained_cfg_overlay"] = {"state_dict": state, "custom_load": False}
    logging.getLogger("timm").setLevel(logging.ERROR)  # it tells every load
    try:
        if wanted.size:
            try:
                return timm.create_model(wanted.architecture, img_size=wanted.size, **options)
            except TypeError:  # a convolutional network takes any size
                pass
        return timm.create_model(wanted.architecture, **options)
    except AssertionError as error:
        raise ValueError(f"{wanted.architecture} cannot take {wanted.size} px: {error}") from error
    except (RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(
            f"the weights of {name} are not those of timm's network {wanted.architecture}: "
            f"{str(error)[:200]}"
        ) from error


def _check_patches(network: Any, wanted: NetworkName) -> None:
    """Refuse a size of which a network of patches would leave pixels out.

    Raises:
        ValueError: the size is no multiple of the patches.
    """
    patch = getattr(getattr(network, "patch_embed", None), "patch_size", None)
    patch = patch[0] if isinstance(patch, tuple) else patch
    if wanted.size and isinstance(patch, int) and wanted.size % patch:
        below = wanted.size // patch * patch
        raise ValueError(
            f"{wanted.architecture} has patches of {patch} px, and {wanted.size} is no multiple; "
            f"take size={below} or size={below + patch}"
        )


def _dim(network: nn.Module, size: tuple[int, int, int]) -> int:
    """Width of what a network puts out."""
    import torch

    network.eval()
    with torch.inference_mode():
        features: Tensor = network(torch.zeros(1, *size))
    return int(features.shape[1])


def _published(wanted: NetworkName) -> Path:
    """The file of the weights that timm names, from the cache or downloaded.

    Raises:
        WeightsError: it cannot be downloaded.
    """
    from huggingface_hub import hf_hub_download

    config = _timm().get_pretrained_cfg(wanted.architecture)
    repository = str(config.hf_hub_id or "")
    if repository.endswith("/"):  # the organisation alone
        repository += f"{config.architecture}.{config.tag}"
    file = config.hf_hub_filename or _WEIGHTS
    try:
        if not repository:
            raise OSError(f"timm names no repository for {wanted.architecture}")
        return Path(hf_hub_download(repository, file))
    except Exception as error:  # the hub raises its own kinds, requests', and OSError
        raise WeightsError(
            f"cannot download {file} of {repository} ({type(error).__name__}). Go online once, or "
            f"get the file elsewhere and name it: {_PREFIX}{wanted.architecture}@{file}"
        ) from error


def _timm() -> ModuleType:
    """The package, by its name: this module is called so too.

    Raises:
        ValueError: it is not installed.
    """
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise ValueError(
            f"{_PREFIX}NAME needs the package timm; run: {extra('networks')}"
        ) from error
