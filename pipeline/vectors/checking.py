"""What makes vectors unusable, said of the rows where it is so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.dataset import DatasetError

_BLOCK = 8192  # rows that are looked at at a time
_NEAR_UNIT = 0.01  # of the length of a vector in half precision
_SHOWN = 3


@dataclass(frozen=True)
class Checked:
    """Vectors that can be used.

    Attributes:
        rows: (n, d) float32.
        is_unit: whether all have length 1.
        notes: what was done to them, and what is good to know.
    """

    rows: NDArray[np.float32]
    is_unit: bool
    notes: tuple[str, ...]


def shaped(array: NDArray[Any], name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """An array as (n, d), with a note where axes of length 1 were left out.

    Raises:
        DatasetError: it has no such form, or holds no real numbers.
    """
    shape = " x ".join(map(str, array.shape))
    if array.dtype.kind not in "fiu":
        raise DatasetError(f"{name} holds {array.dtype}, and vectors are real numbers")
    if array.ndim < 2:
        raise DatasetError(f"{name} has the shape ({shape}); vectors are (images, dimensions)")
    if array.ndim > 2:
        kept = [n for n in array.shape[1:] if n != 1] if array.shape[0] != 1 else []
        kept = kept or [n for n in array.shape if n != 1][1:]
        if len(kept) != 1:
            raise DatasetError(
                f"{name} has the shape ({shape}), several vectors per image; take one of them or "
                "their mean, so that it is (images, dimensions)"
            )
        array = array.reshape(-1, kept[0])
        return array, (f"{name}: the shape ({shape}) was read as {array.shape}",)
    if array.shape[1] < 2:
        raise DatasetError(f"{name} has one number per image; vectors have two or more")
    return array, ()


def checked(
    array: NDArray[Any], name_of: Callable[[int], str], *, to_unit: bool = False
) -> Checked:
    """Vectors as float32, all of them finite and none of them zero.

    Args:
        array: (n, d) of any real type; may be memory-mapped.
        name_of: what messages call a row.
        to_unit: scale every vector to length 1.

    Raises:
        DatasetError: a row is not finite, or zero, or there are no rows.
    """
    if not len(array):
        raise DatasetError("there are no vectors: the array has no rows")
    rows = np.empty(array.shape, np.float32)
    lengths = np.empty(len(array))
    infinite: list[int] = []
    for start in range(0, len(array), _BLOCK):
        block = np.asarray(array[start : start + _BLOCK])
        with np.errstate(over="ignore"):
            rows[start : start + len(block)] = block
        part = rows[start : start + len(block)]
        infinite += (start + np.flatnonzero(~np.isfinite(part).all(axis=1))).tolist()
        with np.errstate(over="ignore", invalid="ignore"):
            lengths[start : start + len(block)] = np.linalg.norm(part.astype(np.float64), axis=1)
    if infinite:
        hint = "; half precision ends at 65,504" if array.dtype == np.float16 else ""
        _refuse("hold NaN or infinite numbers", infinite, len(rows), name_of, hint)
    _refuse("are zero in all dimensions", np.flatnonzero(lengths == 0), len(rows), name_of)
    notes = [] if array.dtype == np.float32 else [f"converted from {array.dtype} to float32"]
    is_unit = bool((np.abs(lengths - 1) < _NEAR_UNIT).all())
    if to_unit:
        rows /= lengths[:, None]
        notes.append("scaled to length 1")
    elif is_unit:
        notes.append("each has length 1")
    else:
        low, high = np.quantile(lengths, [0.05, 0.95])
        notes.append(f"not normalised: 90 % have lengths from {low:.3g} to {high:.3g}")
    return Checked(rows, is_unit or to_unit, tuple(notes))


def _refuse(
    what: str,
    bad: Sequence[int] | NDArray[np.int64],
    n: int,
    name_of: Callable[[int], str],
    hint: str = "",
) -> None:
    if not len(bad):
        return
    shown = ", ".join(name_of(int(row)) for row in bad[:_SHOWN])
    more = ", ..." if len(bad) > _SHOWN else ""
    raise DatasetError(
        f"{len(bad):,} of {n:,} vectors {what} ({shown}{more}){hint}; compute them again, or leave "
        "them out"
    )
