"""Previews of a dry run: thumbnails and difference hashes of the images that would be imported."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from pipeline.decoding.value_range import ValueRange
from pipeline.images import difference_hash, load_rgb
from pipeline.ingest.checking import checked_images
from pipeline.ingest.journal import Row
from pipeline.ingest.source import Item, Source
from pipeline.progress import Progress

N_THUMBS = 24
THUMB_PIXELS = 128


class Frozen(BaseModel):
    """A value that can be written as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Thumb(Frozen):
    """A small picture of an image: `webp` is base64."""

    image_id: str
    labels: tuple[str, ...]
    webp: str


class Copy(NamedTuple):
    """Two items with the same content on both sides of the split, of which one is kept."""

    kept: Item
    dropped: Item


def look(
    source: Source, threads: int, on_progress: Progress
) -> tuple[list[Row], list[int], list[Thumb], list[Copy]]:
    """Rows of all items; difference hashes and thumbnails of those taken; copies that leak."""
    rows: list[Row] = []
    hashes: list[int] = []
    thumbs: list[Thumb] = []
    copies: list[Copy] = []
    first_of: dict[str, Item] = {}
    total = len(source.items)
    wanted = sorted({int(place) for place in np.linspace(0, total - 1, N_THUMBS)})
    for number, checked in enumerate(checked_images(source.items, first_of, threads)):
        rows.append(checked.row)
        if "leak" in checked.row["kind"].split():
            sha256 = hashlib.sha256(checked.content).hexdigest()
            copies.append(Copy(first_of[sha256], checked.item))
        if checked.decoded is not None:
            hashes.append(difference_hash(checked.decoded.rgb))
            if wanted and number >= wanted[0]:  # later where an image was not taken
                wanted.pop(0)
                thumbs.append(_thumb(checked.item, checked.decoded.rgb))
        on_progress(number + 1, total)
    return rows, hashes, thumbs, copies


def look_again(
    source: Source,
    rows: Sequence[Row],
    ranges: Sequence[ValueRange],
    hashes: list[int],
    thumbs: list[Thumb],
) -> None:
    """Compute hashes and thumbnails of wide images again, now that their common range is known."""
    place_of = {thumb.image_id: place for place, thumb in enumerate(thumbs)}
    taken = [(item, row) for item, row in zip(source.items, rows, strict=True) if row["sha256"]]
    for number, (item, row) in enumerate(taken):
        if row["extent"]:
            rgb = load_rgb(item.read(), ranges)
            hashes[number] = difference_hash(rgb)
            if item.image_id in place_of:
                thumbs[place_of[item.image_id]] = _thumb(item, rgb)


def thumbs_of(
    names: Iterable[str], source: Source, ranges: Sequence[ValueRange], on_progress: Progress
) -> tuple[Thumb, ...]:
    """Thumbnails of some images that were taken, which are read again; each once.

    Args:
        names: of the images.
        source: that they are in.
        ranges: that wide images are scaled from.
        on_progress: called after each, so that a stop is obeyed.
    """
    wanted = dict.fromkeys(names)
    item_of = {item.image_id: item for item in source.items if item.image_id in wanted}
    thumbs = []
    for name in wanted:
        thumbs.append(_thumb(item_of[name], load_rgb(item_of[name].read(), ranges)))
        on_progress(len(source.items), len(source.items))
    return tuple(thumbs)


def _thumb(item: Item, image: Image.Image) -> Thumb:
    small = image.copy()
    small.thumbnail((THUMB_PIXELS, THUMB_PIXELS))
    encoded = io.BytesIO()
    small.save(encoded, "WEBP", quality=70)
    labels = next(iter(item.labels.values()), ())
    webp = base64.b64encode(encoded.getvalue()).decode()
    return Thumb(image_id=item.image_id, labels=labels, webp=webp)
