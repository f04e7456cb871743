"""Names of networks with options and a file: `timm:NAME,size=336,pool=gem@weights.safetensors`.

A name that leads to a file is pinned to its content, `...@weights.safetensors#1a2b3c4d5e6f`, before
it is stored anywhere: what is kept under a name is then never of other weights.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from torch import Tensor

from models.wording import unknown

POOLINGS = ("cls", "mean", "gem")
_PIN = 12  # hex digits of the SHA-256 in a name
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")  # as training programs save


@dataclass(frozen=True)
class NetworkName:
    """A name taken apart.

    Attributes:
        architecture: what the library calls the network, with the name of weights if it has one.
        size: side of the input in pixels; None for the network's own.
        pool: one of `POOLINGS`; empty for the network's own.
        path: file of the weights; None for published ones.
        digest: first digits of its SHA-256; empty where the name is not pinned.
    """

    architecture: str
    size: int | None = None
    pool: str = ""
    path: Path | None = None
    digest: str = ""

    @property
    def options(self) -> str:
        """The options as they stand in a name and in a fingerprint."""
        size = f",size={self.size}" if self.size else ""
        return size + (f",pool={self.pool}" if self.pool else "")

    def __str__(self) -> str:
        """Write the name without the family."""
        pin = f"#{self.digest}" if self.digest else ""
        file = f"@{self.path}{pin}" if self.path else ""
        return f"{self.architecture}{self.options}{file}"


def parsed(name: str, prefix: str) -> NetworkName:
    """Take a name apart.

    Args:
        name: with the family in front.
        prefix: the family with its colon.

    Raises:
        ValueError: an option is unknown or has no such value.
    """
    head, at, file = name.removeprefix(prefix).partition("@")
    architecture, *options = head.split(",")
    made = NetworkName(architecture)
    for option in options:
        key, _, value = option.partition("=")
        if key == "size":
            if not re.fullmatch(r"[1-9]\d{1,3}", value):
                raise ValueError(f"size is 10 to 9999 pixels, got {value!r} in {name}")
            made = replace(made, size=int(value))
        elif key == "pool":
            if value not in POOLINGS:
                raise ValueError(unknown("pooling", value, POOLINGS))
            made = replace(made, pool=value)
        else:
            raise ValueError(unknown(f"option of {architecture}", key, ("size", "pool")))
    if not at:
        return made
    pin = re.fullmatch(rf"(.+)#([0-9a-f]{{{_PIN}}})", file)
    return replace(made, path=Path(pin[1] if pin else file), digest=pin[2] if pin else "")


def pin(name: str, prefix: str) -> str:
    """The name with the place and the hash of the file that it leads to; others as they are.

    Raises:
        ValueError: the file is missing.
    """
    made = parsed(name, prefix)
    if made.path is None or made.digest:
        return name
    path = made.path.expanduser().resolve()
    if not path.is_file():
        raise ValueError(f"there is no file of weights {path}")
    facts = path.stat()
    digest = _sha256(path, facts.st_size, facts.st_mtime_ns)
    return f"{prefix}{replace(made, path=path, digest=digest[:_PIN])}"


def unknown_network(library: str, name: str, known: tuple[str, ...]) -> str:
    """The sentence for an unknown name of a library that has too many to list them."""
    sentence = unknown(f"{library} network", name, known)
    return sentence if "Did you mean" in sentence else f"unknown {library} network {name!r}."


def unwrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights inside what a training program has saved around them."""
    inner = next((state[key] for key in _WRAPPERS if isinstance(state.get(key), dict)), state)
    assert isinstance(inner, dict)
    return {key.removeprefix("module."): value for key, value in inner.items()}


@lru_cache(maxsize=32)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
