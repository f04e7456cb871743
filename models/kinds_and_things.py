"""Same kind or same thing: how a code divides its bits between the two.

Bits that learn kinds bring all horses together; which horse stands next to which is lost in them.
Bits that keep neighbours tell one horse from the next. No set of images says which of the two a
person looks for, so it is a setting. Measured in docs/house-methods.md.
"""

from __future__ import annotations

from typing import Literal, get_args

Find = Literal["same kind", "rather kind", "both", "rather thing", "same thing"]
FINDS: tuple[Find, ...] = get_args(Find)

_SHARES: dict[Find, float] = {
    "same kind": 0.0,
    "rather kind": 1 / 8,
    "both": 1 / 4,
    "rather thing": 1 / 2,
    "same thing": 1.0,
}


def neighbour_bits(find: Find, bits: int) -> int:
    """The bits of a code that keep neighbours; the others learn kinds."""
    return int(bits * _SHARES[find])
