"""Backbones as a library has them: networks, and own vectors that were imported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.backbones import registry
from models.backbones.vectors import PREFIX
from models.errors import WeightsError
from pipeline.devices import device_of
from pipeline.settings import Settings
from pipeline.stored_features import AboutFeatures, own_vectors
from pipeline.wording import COMMAND

if TYPE_CHECKING:  # torch, which names do without
    from torch import Tensor

    from models.backbones.base import Backbone


def load_backbone(name: str, settings: Settings) -> Backbone:
    """Build a network on the device of the settings and verify its weights, or open own vectors.

    Raises:
        ValueError: no backbone of that name, or no such device.
        WeightsError: the weights are missing, damaged or unavailable, or there are no own vectors
            of that name.
    """
    if registry.has_network(name):
        device = device_of(settings)
        is_half = settings.half_precision and device != "cpu"
        return registry.load_backbone(name).on(device, half=is_half)
    own = own_vectors(settings)
    if name not in own:
        known = ", ".join(own) or "none"
        raise WeightsError(
            f"no vectors are imported as {name} (there are: {known}); import them with: "
            f"{COMMAND} features import DATASET FILE --name {name.removeprefix(PREFIX)}"
        )
    about = own[name][1]
    return _with_network(about, settings) if about.network else _without_network(about)


def has_text_tower(name: str, settings: Settings) -> bool:
    """Whether a backbone embeds words too, told without loading it."""
    try:
        if registry.has_network(name):
            return registry.has_text_tower(name)
    except ValueError:
        return False
    own = own_vectors(settings).get(name)
    bare = network_named_like(name) if own and own[1].network else ""
    return bool(bare) and registry.has_text_tower(bare)


def network_named_like(name: str) -> str:
    """The network that a name of own vectors stands for too; empty for none."""
    bare = name.removeprefix(PREFIX)
    try:
        registry.check_backbone(bare)
    except (ValueError, WeightsError):  # unknown, or of a family that is not installed
        return ""
    return bare if registry.has_network(bare) else ""


def as_vectors(network: Backbone, *, is_unit: bool) -> Backbone:
    """A network that gives features as the vectors of its name are."""
    if not is_unit:
        return network
    from torch.nn.functional import normalize

    from models.backbones.base import ToUnitLength

    texts = network.text_tower
    return replace(
        network,
        network=ToUnitLength(network.network),
        text_tower=None if texts is None else lambda said: normalize(texts(said)),
    )


def _with_network(about: AboutFeatures, settings: Settings) -> Backbone:
    """Own vectors whose network encodes images of users, while it is the one of the import."""
    bare = network_named_like(about.backbone)
    try:
        if not bare:
            raise WeightsError(f"this version has no network {about.backbone.removeprefix(PREFIX)}")
        network = registry.load_backbone(bare)
    except WeightsError as error:
        return _without_network(about, f", and its network is unavailable: {error}")
    if network.fingerprint != about.network:
        return _without_network(about, f", and {bare} has other weights or preprocessing since")
    encoder = as_vectors(network, is_unit=about.is_unit)
    own = replace(encoder, name=about.backbone, fingerprint=about.fingerprint)
    return own.on(device_of(settings))


def _without_network(about: AboutFeatures, reason: str = "") -> Backbone:
    from models.backbones.base import Backbone, NoNetwork

    refusal = (
        f"{about.backbone} are vectors imported without a network{reason}; search with an image of "
        "the data set instead"
    )

    def refuse(image: object) -> Tensor:
        raise WeightsError(refusal)

    return Backbone(about.backbone, about.dim, about.fingerprint, refuse, NoNetwork(), refusal)
