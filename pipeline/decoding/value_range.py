"""More than 8 bits per channel: which values images hold, and which become black and white.

One image alone cannot tell: scaled by itself, a dark picture and a bright one become equal. So a
data set has one range for all its images with the same kind of numbers, found when it is imported.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Values = NDArray[np.generic]
_TAIL = 0.001  # share of an image's values that may be outliers, at either end
_MOST_FOR_TAIL = 4.01  # how many times wider (two bits) outliers may make the range, unclipped
_LEAST_FILLED = 0.25  # share of a round range that the values must fill: 64 of 256 levels
_FLAT = 1 / 16  # share of the range below which a picture hardly shows: 16 levels
_SAMPLE = 1_000_000  # values that tell the share; the extremes are those of all values
_BLOCK = 1 << 20  # values that are scaled at once


class Extent(NamedTuple):
    """Extent of the values that an image holds.

    Attributes:
        numbers: NumPy type, such as uint16; images with the same are scaled alike.
        least: least of all finite values.
        low: value that all but a thousandth of them exceed.
        high: value that all but a thousandth of them stay below.
        greatest: greatest of all finite values.
        n_odd: how many are infinite or no number.
    """

    numbers: str
    least: float
    low: float
    high: float
    greatest: float
    n_odd: int = 0


class ValueRange(BaseModel):
    """The values that become black and white, for one kind of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: str
    low: float
    high: float

    def __str__(self) -> str:
        """Write the range as people do, such as 0..4095."""
        return f"{self.low:.7g}..{self.high:.7g}"

    def holds(self, extent: Extent) -> bool:
        """Whether no value of an image is clipped."""
        return self.low <= extent.least and extent.greatest <= self.high


@dataclass(frozen=True)
class Scaling:
    """How the values of an image became 8 bits.

    Attributes:
        value_range: the values that became black and white.
        extent: extent of its values; None where the range was known before.
        clipped: share of its finite values that lie outside the range.
    """

    value_range: ValueRange
    extent: Extent | None
    clipped: float


def extent_of(values: Values) -> Extent:
    """Measure an image.

    The ends of a type of 16 bits do not count towards the thousandths: cameras saturate there, and
    depth sensors write "no reading" there.
    """
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.reshape(-1)
    n_odd = values.size - finite.size
    if not finite.size:
        return Extent(values.dtype.name, 0, 0, 0, 0, n_odd)
    inner = finite[:: max(1, finite.size // _SAMPLE)]
    if values.dtype.itemsize == 2:
        ends = np.iinfo(values.dtype)  # type: ignore[type-var]
        inner = inner[(inner != ends.min) & (inner != ends.max)]
    least, greatest = float(finite.min()), float(finite.max())
    low, high = (
        np.quantile(inner.astype(np.float64), (_TAIL, 1 - _TAIL))
        if inner.size
        else (least, greatest)
    )
    return Extent(values.dtype.name, least, float(low), float(high), greatest, n_odd)


def common_ranges(
    extents: Iterable[Extent], known: Sequence[ValueRange] = ()
) -> tuple[ValueRange, ...]:
    """One range for each kind of numbers among images; those that are known stay.

    It holds every value, unless outliers (less than a thousandth of each image, such as hot pixels)
    would make it more than four times as wide; these are clipped then.
    """
    of_kind: dict[str, list[Extent]] = {}
    for extent in extents:
        of_kind.setdefault(extent.numbers, []).append(extent)
    new = sorted({*of_kind} - {value_range.numbers for value_range in known})
    return (*known, *(_common(numbers, of_kind[numbers]) for numbers in new))


def scaled(values: Values, known: Sequence[ValueRange] = ()) -> tuple[NDArray[np.uint8], Scaling]:
    """Values as 8 bits, by the known range for their kind of numbers, else by their own.

    The range's lower end and less is 0, its upper end and more 255. What is no number is 0.
    """
    extent = None
    fitting = [known_range for known_range in known if known_range.numbers == values.dtype.name]
    if not fitting:
        extent = extent_of(values)
        fitting = [_common(extent.numbers, [extent])]
    low, high = fitting[0].low, fitting[0].high
    flat, levels, n_clipped = values.reshape(-1), np.empty(values.size, np.uint8), 0
    factor = 255 / (high - low)
    for start in range(0, flat.size, _BLOCK):  # such images are often large
        block = flat[start : start + _BLOCK].astype(np.float64)
        n_clipped += int((np.isfinite(block) & ((block < low) | (block > high))).sum())
        block = np.nan_to_num(block, nan=low, posinf=high, neginf=low)
        levels[start : start + _BLOCK] = ((block - low) * factor).round().clip(0, 255)
    return levels.reshape(values.shape), Scaling(fitting[0], extent, n_clipped / values.size)


def scaling_note(extent: Extent, value_range: ValueRange, clipped: float = 0.0) -> str:
    """Describe for people how an image was scaled."""
    parts = [f"scaled to 8 bits from {value_range}"]
    width = value_range.high - value_range.low
    if extent.least < extent.greatest and extent.high - extent.low < _FLAT * width:
        parts.append("nearly flat in that range")
    if clipped:
        parts.append(f"values beyond it clipped ({100 * clipped:.2g} %)")
    if extent.n_odd:
        parts.append(f"infinite or missing values ({extent.n_odd:,})")
    return ", ".join(parts)


def _common(numbers: str, extents: Sequence[Extent]) -> ValueRange:
    whole = _rounded(numbers, min(e.least for e in extents), max(e.greatest for e in extents))
    inner = _rounded(numbers, min(e.low for e in extents), max(e.high for e in extents))
    is_flat = min(e.low for e in extents) == max(e.high for e in extents)  # the rest is the picture
    is_stretched = whole.high - whole.low > _MOST_FOR_TAIL * (inner.high - inner.low)
    return inner if is_stretched and not is_flat else whole


def _rounded(numbers: str, least: float, greatest: float) -> ValueRange:
    """A round range around values, or their exact one where they would fill too little of it.

    Round ranges are what formats and sensors use: 0..1 and -1..1 for fractions, else whole bits.
    """
    low, high = _round_ends(numbers, least, greatest)
    if least < greatest < least + _LEAST_FILLED * (high - low):
        low, high = least, greatest
    return ValueRange(numbers=numbers, low=low, high=high)


def _round_ends(numbers: str, least: float, greatest: float) -> tuple[float, float]:
    if numbers.startswith("float"):
        for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
            if low <= least and greatest <= high:
                return low, high
    low = 0.0 if least >= 0 else -(2.0 ** math.ceil(math.log2(-least)))
    bits = math.ceil(math.log2(greatest + 1)) if greatest > 0 else 0
    return low, 2.0**bits - 1 if bits else float(low == 0)
