"""Own vectors as a backbone: features that another program has computed, imported under a name.

The name stands for no network, and the vectors lie in the library: `pipeline.backbones` opens
them. Where the name is also that of a network which computes the same vectors, that one encodes
images of users.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.errors import WeightsError

if TYPE_CHECKING:  # torch, which names do without
    from models.backbones.base import Backbone

PREFIX = "vectors:"
BACKBONES = {f"{PREFIX}NAME": "own vectors, imported under a name with `features import`"}
HAS_NETWORK = False
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,99}")


def load(name: str) -> Backbone:
    """Nothing: only a library has the vectors.

    Raises:
        ValueError: the name breaks the rule.
        WeightsError: always.
    """
    check(name)
    raise WeightsError(f"{name} are imported vectors, which only the library that has them opens")


def check(name: str) -> None:
    """Refuse what cannot name vectors.

    Raises:
        ValueError: the name breaks the rule, which the message states.
    """
    if not _NAME.fullmatch(name.removeprefix(PREFIX)):
        raise ValueError(
            f"the name of own vectors must be 1 to 100 letters, digits or . _ : @ / + -, and start "
            f"with a letter or digit; got {name.removeprefix(PREFIX)!r}"
        )
