"""The backbones by name: families are found by file name, as methods are.

A family is a module beside this one with `BACKBONES`, names with a line each, and `load(name)`. A
name that ends in NAME stands for all that begin like it; such a family has `check(name)` too, and
`EXAMPLE`, the rest of a name. Where a name can lead to a file the family has `pinned(name)`. Of a
family with `HAS_NETWORK = False` the features are only stored; one with `HAS_TEXT_TOWER = True`
embeds texts too.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from models import backbones
from models.wording import unknown

if TYPE_CHECKING:
    from models.backbones.base import Backbone

_ANY = "NAME"


def list_backbones() -> dict[str, str]:
    """Names of the backbones with one line each."""
    return {name: line for family in _families() for name, line in family.BACKBONES.items()}


def list_networks() -> dict[str, str]:
    """An example for each family of networks that are chosen by name; empty for a single network.

    Example:
        >>> list_networks()["torchvision:NAME"]
        'resnet50'
    """
    networks = {
        name: family.EXAMPLE if name.endswith(_ANY) else ""
        for family in _families()
        if getattr(family, "HAS_NETWORK", True)
        for name in family.BACKBONES
    }
    return dict(sorted(networks.items(), key=lambda pair: bool(pair[1])))  # the built-in ones first


def load_backbone(name: str) -> Backbone:
    """Build a backbone and verify its weights.

    Raises:
        ValueError: no backbone of that name.
        WeightsError: the weights are missing, damaged or unavailable.
    """
    backbone: Backbone = _family_of(name).load(name)
    return backbone


def check_backbone(name: str) -> None:
    """Raise the ValueError of `load_backbone` for an unknown name, without loading anything."""
    family = _family_of(name)
    if name not in family.BACKBONES:
        family.check(name)


def pinned(name: str) -> str:
    """The name with the hash of a weights file that it leads to, so that it stands for one content.

    Any other name stays as it is.

    Raises:
        ValueError: no backbone of that name, or the file is missing.
    """
    family = _family_of(name)
    return str(family.pinned(name)) if hasattr(family, "pinned") else name


def has_network(name: str) -> bool:
    """Whether features of a backbone are computed from images, rather than stored only.

    Raises:
        ValueError: no backbone of that name.
    """
    return bool(getattr(_family_of(name), "HAS_NETWORK", True))


def has_text_tower(name: str) -> bool:
    """Whether words can be searched with, told without loading anything.

    Raises:
        ValueError: no backbone of that name.
    """
    return bool(getattr(_family_of(name), "HAS_TEXT_TOWER", False))


@cache
def _families() -> tuple[ModuleType, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(backbones.__path__))
    modules = [importlib.import_module(f"{backbones.__name__}.{name}") for name in names]
    return tuple(module for module in modules if hasattr(module, "BACKBONES"))


def _family_of(name: str) -> ModuleType:
    """The family that has a name.

    Raises:
        ValueError: none has.
    """
    for family in _families():
        for known in family.BACKBONES:
            if name == known or (known.endswith(_ANY) and name.startswith(known[: -len(_ANY)])):
                return family
    raise ValueError(unknown("backbone", name, tuple(list_backbones())))
