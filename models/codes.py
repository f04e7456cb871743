"""HashCodes: n binary codes, packed eight bits to a byte, and their Hamming distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class HashCodes:
    """n hash codes of `bits` bits. Bit k is 1 where the relaxed code is >= 0; zero is positive.

    Attributes:
        packed: (n, ceil(bits / 8)) uint8, first bit = highest of the first byte; padding is 0.
        bits: code length K, at least 1.

    Raises:
        ValueError: the array's shape or type does not fit `bits`, or padding bits are set.
    """

    packed: NDArray[np.uint8]
    bits: int

    def __post_init__(self) -> None:
        width = -(-self.bits // 8)
        if self.bits < 1:
            raise ValueError(f"bits must be at least 1, got {self.bits}")
        if self.packed.dtype != np.uint8 or self.packed.ndim != 2 or self.packed.shape[1] != width:
            raise ValueError(
                f"{self.bits}-bit codes need a uint8 array of shape (n, {width}), "
                f"got {self.packed.dtype} {self.packed.shape}"
            )
        padding = width * 8 - self.bits
        if padding and np.any(self.packed[:, -1] & ((1 << padding) - 1)):
            raise ValueError(f"the last {padding} padding bits of {self.bits}-bit codes must be 0")

    @classmethod
    def from_relaxed(cls, relaxed: ArrayLike) -> HashCodes:
        """Binarize relaxed codes (n, bits) with the sign rule; NaN is refused with a ValueError."""
        values = np.asarray(relaxed)
        if values.ndim != 2:
            raise ValueError(f"relaxed codes must have shape (n, bits), got {values.shape}")
        if np.isnan(values).any():
            raise ValueError("relaxed codes contain NaN: the method has diverged or was fed NaN")
        return cls(np.packbits(values >= 0, axis=1), values.shape[1])

    def signs(self) -> NDArray[np.int8]:
        """The codes as (n, bits) int8 in {-1, +1}."""
        ones = np.unpackbits(self.packed, axis=1, count=self.bits).astype(np.int8)
        signs: NDArray[np.int8] = 2 * ones - 1
        return signs

    def words(self) -> NDArray[np.uint64]:
        """The codes as (n, ceil(bits / 64)) uint64, zero-padded; for XOR and popcount only."""
        padded = np.zeros((len(self), -(-self.bits // 64) * 8), np.uint8)
        padded[:, : self.packed.shape[1]] = self.packed
        return padded.view(np.uint64)

    def hamming(self, other: HashCodes) -> NDArray[np.int32]:
        """Hamming distances (n, m) to `other`. Needs 4 n m bytes; ranking.py is for large sets.

        Raises:
            ValueError: the code lengths differ.
        """
        if other.bits != self.bits:
            raise ValueError(f"cannot compare {self.bits}-bit codes with {other.bits}-bit codes")
        distance = np.zeros((len(self), len(other)), np.int32)
        for mine, theirs in zip(self.words().T, other.words().T, strict=True):
            distance += np.bitwise_count(mine[:, None] ^ theirs[None, :])
        return distance

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: Any) -> HashCodes:
        """The codes at `index` (slice, mask or index array), as HashCodes."""
        return HashCodes(np.atleast_2d(self.packed[index]), self.bits)

    def __repr__(self) -> str:
        return f"HashCodes(n={len(self)}, bits={self.bits})"
