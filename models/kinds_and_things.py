"""Same kind or same thing: what a code keeps when it cannot keep both.

Codes that learn kinds bring all horses together; which horse stands next to which is lost in them.
Codes that keep neighbours tell one horse from the next. No set of images says which of the two a
person looks for, so it is a setting. Measured in docs/house-methods.md.
"""

from __future__ import annotations

from typing import Literal, get_args

Find = Literal["same kind", "rather kind", "both", "rather thing", "same thing"]
FINDS: tuple[Find, ...] = get_args(Find)

# How much sharper than for kinds the neighbourhood loss is; the same thing is left to ITQ.
SHARPER: dict[Find, float] = {
    "same kind": 1.0,
    "rather kind": 1.5,
    "both": 2.0,
    "rather thing": 4.0,
}
