"""Same kind or same thing: what a code keeps when it cannot keep both.

Codes that learn kinds bring all horses together; which horse stands next to which is lost in them.
Codes that keep neighbours tell one horse from the next. No set of images says which of the two a
person looks for, so it is a setting. Measured in docs/house-methods.md.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Find = Literal["same kind", "rather kind", "both", "rather thing", "same thing"]
FINDS: tuple[Find, ...] = get_args(Find)


class Factors(NamedTuple):
    """What the neighbourhood loss is multiplied by, against its form for the same kind."""

    sharpness: float
    weight: float


FACTORS: dict[Find, Factors] = {
    "same kind": Factors(1.0, 1.0),
    "rather kind": Factors(1.5, 1.0),
    "both": Factors(2.0, 1.0),
    "rather thing": Factors(3.0, 3.0),
    "same thing": Factors(4.0, 10.0),
}
