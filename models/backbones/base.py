"""Backbone: a frozen feature network with verified weights and its own preprocessing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from models.backbones.network_names import NetworkName
from models.errors import WeightsError

Preprocess = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Backbone:
    """A frozen network with its preprocessing.

    Attributes:
        name: the name it was asked for.
        dim: feature width d.
        fingerprint: changes with weights, architecture and preprocessing; a cache key.
        preprocess: RGB image -> (3, h, w) float32.
        network: (n, 3, h, w) -> (n, d), in evaluation mode.
        refusal: why it can encode no image, a sentence; empty where it can.
        text_tower: texts -> (n, d) in the same space, on the CPU; None where the network has none.
        device: where the network computes, as torch names it.
        is_half: whether it computes in float16.
    """

    name: str
    dim: int
    fingerprint: str
    preprocess: Preprocess
    network: nn.Module
    refusal: str = ""
    text_tower: Callable[[list[str]], Tensor] | None = None
    device: str = "cpu"
    is_half: bool = False

    def on(self, device: str, *, half: bool = False) -> Backbone:
        """The same backbone with its network on a device, where it computes from here on.

        Args:
            device: such as `cuda:1`.
            half: compute in float16 there, with a fingerprint of its own, since features differ.
        """
        self.network.to(device)
        torch.backends.cudnn.allow_tf32 = False  # rounds float32 to 10 bits, which CPUs do not
        mark = "-float16" if half else ""
        return replace(self, device=device, is_half=half, fingerprint=f"{self.fingerprint}{mark}")

    def embed(self, images: list[Image.Image]) -> Tensor:
        """Features (n, d) float32 of RGB images.

        Raises:
            WeightsError: there is no network that could compute them.
        """
        if self.refusal:
            raise WeightsError(self.refusal)
        return self.forward(torch.stack([self.preprocess(image) for image in images]))

    @torch.inference_mode()
    def forward(self, batch: Tensor) -> Tensor:
        """Features (n, d) float32, on the CPU, of preprocessed images (n, 3, h, w)."""
        kind = torch.device(self.device).type
        batch = batch.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(kind, torch.float16, enabled=self.is_half):
            features: Tensor = self.network(batch)
        return features.float().cpu()

    @torch.inference_mode()
    def embed_texts(self, texts: list[str]) -> Tensor:
        """Features (n, d) float32 of texts, in the space of the images.

        Raises:
            WeightsError: the network has no text tower.
        """
        if self.text_tower is None:
            raise WeightsError(
                f"{self.name} has no text tower, so words cannot be searched with; a backbone "
                "clip:NAME has one"
            )
        return self.text_tower(texts).float().cpu()


class NoNetwork(nn.Module):
    """Stands where own vectors have no network; it is never reached."""

    def forward(self, images: Tensor) -> Tensor:
        """Raise: nothing computes own vectors."""
        raise AssertionError("`Backbone.refusal` comes first")


class ToUnitLength(nn.Module):
    """A network whose outputs are scaled to length 1, as the vectors beside them are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, d)."""
        return nn.functional.normalize(self.network(images), dim=1)


def load_verified(path: Path, sha256: str, *, remedy: str) -> dict[str, Tensor]:
    """Load a state dict whose bytes hash to `sha256` (a prefix is enough), tensors only.

    Raises:
        WeightsError: the file has another hash, or holds anything but tensors.
    """
    return read_weights(path, sha256, remedy=remedy)[0]


def read_weights(path: Path, sha256: str = "", *, remedy: str) -> tuple[dict[str, Tensor], str]:
    """A state dict of a safetensors file or of one that torch has saved, and its SHA-256.

    Args:
        path: the file; what ends in `.safetensors` is read as such.
        sha256: what its bytes must hash to, or a prefix of that.
        remedy: what to do when it cannot be used.

    Raises:
        WeightsError: the file is missing, has another hash, or holds anything but tensors.
    """
    try:
        content = path.read_bytes()  # hashed and loaded from the same bytes: no swap in between
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(sha256):
        raise WeightsError(f"{path.name} has sha256 {digest[:16]}…, not {sha256[:16]}…; {remedy}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            return load(content), digest
        state: dict[str, Tensor] = torch.load(
            io.BytesIO(content), map_location="cpu", weights_only=True
        )
    except Exception as error:  # several kinds are raised for a file that is not a state dict
        raise WeightsError(f"{path.name} is not a plain file of tensors; {remedy}") from error
    return state, digest


def network_weights(
    wanted: NetworkName, library: str, published: Callable[[NetworkName], Path]
) -> tuple[dict[str, Tensor], str]:
    """Weights of a network from the file that its name says, else the published ones; SHA-256.

    Args:
        wanted: the name, taken apart.
        library: that has the network.
        published: gets the file of published weights.

    Raises:
        WeightsError: see `read_weights`, and that of `published`.
    """
    if wanted.path is None:
        return read_weights(published(wanted), remedy="delete it and load it again")
    remedy = f"name a file that {library}'s network of this name was saved to"
    return read_weights(wanted.path, wanted.digest, remedy=remedy)


def fill(network: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Load weights into a network.

    Raises:
        WeightsError: they are of another version of the architecture.
    """
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise WeightsError(
            f"the published weights do not fit this version's network {name}; use another backbone"
        ) from error


def preprocessing(resize: int, crop: int) -> Preprocess:
    """Resize the short side (bicubic), crop the centre, scale to [-1, 1]."""
    from torchvision.transforms import (  # seconds: torch's compiler comes with it
        InterpolationMode,
        v2,
    )

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


def frozen(
    name: str, dim: int, fingerprint: str, preprocess: Preprocess, network: nn.Module
) -> Backbone:
    """A backbone of a network that no longer learns; the arguments are those of `Backbone`."""
    network.eval().requires_grad_(False)
    network = network.to(memory_format=torch.channels_last)
    return Backbone(name, dim, fingerprint, preprocess, network)
