"""Any network of open_clip with its image and its text tower, by `clip:<name>/<weights>`.

For example `clip:ViT-B-32/laion2b_s34b_b79k`, or with a file `clip:ViT-B-32@weights.safetensors`.
Features have length 1, as those who trained these networks compare them.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import normalize

from models.backbones.base import Backbone, fill, frozen, network_weights
from models.backbones.network_names import (
    NetworkName,
    parsed,
    pin,
    unknown_network,
    unwrapped,
)
from models.errors import WeightsError
from models.installation import extra
from models.wording import unknown

_PREFIX = "clip:"
HAS_TEXT_TOWER = True
EXAMPLE = "ViT-B-32/laion2b_s34b_b79k"
BACKBONES = {
    f"{_PREFIX}NAME": "any CLIP or SigLIP of open_clip, searched by words too; downloads weights"
}

_PREPARED = ("mean", "std", "interpolation", "resize_mode")  # what published weights say of images


class ImageTower(nn.Module):
    """The image tower of a network of open_clip, with features of length 1."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network.visual

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, d)."""
        return normalize(self.network(images), dim=1)


def load(name: str) -> Backbone:
    """The network of that name with its weights.

    Raises:
        ValueError: open_clip is not installed, or has no such network, weights or option.
        WeightsError: the weights are damaged, of another network, or unavailable.
    """
    check(name)
    wanted = parsed(name, _PREFIX)
    state, digest = network_weights(wanted, "open_clip", _published)
    return clip_backbone(name, wanted, unwrapped(state), digest)


def check(name: str) -> None:
    """Raise the ValueError of `load`, without loading anything."""
    wanted = parsed(name, _PREFIX)
    open_clip = _open_clip()
    architecture, _, weights = wanted.architecture.partition("/")
    if architecture not in (known := tuple(open_clip.list_models())):
        raise ValueError(unknown_network("open_clip", architecture, known))
    if wanted.pool:
        raise ValueError("the image towers of open_clip have their own pooling; leave out pool")
    if wanted.path is not None and not weights:
        return
    tags = tuple(open_clip.list_pretrained_tags_by_model(architecture))
    if weights not in tags:
        raise ValueError(unknown(f"weights of {architecture}", weights, tags))


def pinned(name: str) -> str:
    """The name with the hash of the file that it leads to."""
    return pin(name, _PREFIX)


def clip_backbone(
    name: str, wanted: NetworkName, state: dict[str, Tensor], digest: str
) -> Backbone:
    """A network of open_clip with these weights: its image tower, and its text tower beside.

    Args:
        name: the backbone's name.
        wanted: the same, taken apart.
        state: weights of both towers as open_clip saves them.
        digest: SHA-256 of their file.

    Raises:
        WeightsError: the weights are of another network.
    """
    from open_clip.transform import PreprocessCfg, image_transform_v2

    open_clip = _open_clip()
    architecture, _, weights = wanted.architecture.partition("/")
    published = open_clip.get_pretrained_cfg(architecture, weights) if weights else {}
    network, tokenizer = _network(name, wanted, published, state)
    prepare = replace(PreprocessCfg(), size=network.visual.image_size)
    prepare = replace(prepare, **{key: published[key] for key in _PREPARED if key in published})
    facts = f"{wanted.options} {sorted(asdict(prepare).items())!s}"
    prepared = hashlib.sha256(facts.encode()).hexdigest()[:8]

    def encode_texts(texts: list[str]) -> Tensor:
        return normalize(network.encode_text(tokenizer(texts)), dim=1)

    dim = int(encode_texts([""]).shape[1])
    backbone = frozen(
        name,
        dim,
        f"clip-{architecture}-{digest[:16]}-{prepared}",
        image_transform_v2(prepare, is_train=False),
        ImageTower(network),
    )
    return replace(backbone, text_tower=encode_texts)


def _network(
    name: str, wanted: NetworkName, published: dict[str, Any], state: dict[str, Tensor]
) -> tuple[Any, Any]:
    """Both towers with their weights, and the tokenizer.

    Raises:
        WeightsError: the weights are of another network, or the tokenizer is unavailable.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import resize_pos_embed, resize_text_pos_embed

    open_clip = _open_clip()
    architecture = wanted.architecture.partition("/")[0]
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)  # it tells every step, to the root
    try:
        network = open_clip.create_model(
            architecture,
            pretrained=None,
            load_weights=False,
            pretrained_text=False,
            force_image_size=wanted.size,
            force_quick_gelu=bool(published.get("quick_gelu", False)),
        )
        state = convert_state_dict(network, dict(state))
        resize_pos_embed(state, network)
        resize_text_pos_embed(state, network)
        tokenizer = open_clip.get_tokenizer(architecture)
    except (OSError, KeyError, AttributeError) as error:
        raise WeightsError(
            f"{name} cannot be built: {str(error)[:200]}. Its tokenizer or weights may have to be "
            "downloaded once"
        ) from error
    finally:
        root.setLevel(before)
    fill(network, state, name)
    return network.eval().requires_grad_(False), tokenizer


def _published(wanted: NetworkName) -> Path:
    """The file of the weights that open_clip names, from the cache or downloaded.

    Raises:
        WeightsError: it cannot be downloaded.
    """
    from open_clip.pretrained import download_pretrained

    architecture, _, weights = wanted.architecture.partition("/")
    config: dict[str, Any] = _open_clip().get_pretrained_cfg(architecture, weights)
    try:
        return Path(download_pretrained(config, prefer_hf_hub=True))
    except Exception as error:  # the hub raises its own kinds, requests', and OSError
        place = config.get("hf_hub") or config.get("url")
        raise WeightsError(
            f"cannot download the weights {weights} of {architecture} from {place} "
            f"({type(error).__name__}). Go online once, or get the file elsewhere and name it: "
            f"{_PREFIX}{architecture}@open_clip_model.safetensors"
        ) from error


def _open_clip() -> ModuleType:
    """The package.

    Raises:
        ValueError: it is not installed.
    """
    try:
        import open_clip
    except ImportError as error:
        raise ValueError(
            f"{_PREFIX}NAME needs the package open_clip_torch; run: {extra('networks')}"
        ) from error
    module: ModuleType = open_clip
    return module
