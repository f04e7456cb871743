"""Arrays as they come from outside, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from models.codes import HashCodes

Codes = NDArray[np.uint8]


def features_of(values: ArrayLike) -> torch.Tensor:
    """Features (n, d) as methods take them; ValueError for another shape."""
    features = np.ascontiguousarray(values, np.float32)
    if features.ndim != 2:
        raise ValueError(f"features must have shape (n, d), got {features.shape}")
    return torch.from_numpy(features)


def codes_of(codes: ArrayLike, bits: int | None) -> HashCodes:
    """Packed codes (n, bytes) with their length; ValueError for what is not packed."""
    packed = np.asarray(codes)
    if packed.dtype != np.uint8 or packed.ndim != 2:
        raise ValueError(
            f"codes must be packed, uint8 of shape (n, bytes), got {packed.dtype} {packed.shape}; "
            "np.packbits(bits, axis=1) packs them"
        )
    return HashCodes(packed, bits or 8 * packed.shape[1])


def multi_hot(labels: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Labels (n, C) as bool, and the C names."""
    given = np.asarray(labels)
    if given.ndim == 2:
        return given.astype(bool), np.arange(given.shape[1])
    if given.ndim != 1:
        raise ValueError(f"labels must have shape (n,) or (n, C), got {given.shape}")
    names, place = np.unique(given, return_inverse=True)
    return place[:, None] == np.arange(len(names)), names
