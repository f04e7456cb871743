"""Images of more than 8 bits per channel: one range for a data set, and what it does to each."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.decoding.value_range import Extent, ValueRange, common_ranges, scaling_note
from pipeline.images import ImageError, decode
from pipeline.ingest.journal import Row
from pipeline.ingest.source import Item


def extent_of_row(row: Row) -> Extent | None:
    """Which values an image holds that was taken; None for 8 bits per channel."""
    return Extent(*row["extent"]) if row["extent"] else None


def ranges_of(rows: Sequence[Row], known: Sequence[ValueRange] = ()) -> tuple[ValueRange, ...]:
    """The ranges by which the images of these rows are scaled; those that are known stay."""
    extents = [extent_of_row(row) for row in rows]
    return common_ranges([extent for extent in extents if extent], known)


def conversions(item: Item, row: Row, ranges: Sequence[ValueRange]) -> str:
    """Describe for people what was converted in an image that was taken; empty for nothing."""
    extent = extent_of_row(row)
    if extent is None:
        return row["note"]
    value_range = next(fitting for fitting in ranges if fitting.numbers == extent.numbers)
    clipped = 0.0 if value_range.holds(extent) else _share_clipped(item, ranges)
    note = scaling_note(extent, value_range, clipped)
    return ", ".join(filter(None, (note, row["note"])))


def _share_clipped(item: Item, ranges: Sequence[ValueRange]) -> float:
    """How many of an image's values lie outside its range; counted in the image itself."""
    try:
        scaling = decode(item.read(), ranges).scaling
    except (ImageError, OSError):  # gone since it was taken; its copy is in the library
        return 0.0
    return scaling.clipped if scaling else 0.0
