"""check_image(): one image of a source, read and checked with nothing stored."""

from __future__ import annotations

import hashlib

from pipeline.images import Decoded, ImageError, decode
from pipeline.ingest.journal import Row, new_row
from pipeline.ingest.source import Item


def check_image(item: Item, first_of: dict[str, Item]) -> tuple[Row, bytes, Decoded | None]:
    """Read and check one image, storing nothing.

    Args:
        item: item to look at.
        first_of: the first item with each content; this one is added when it is taken.

    Returns:
        Its row, its bytes, and the decoded image; None when it is not taken.
    """
    row = new_row(item.image_id)
    try:
        content = item.read()
        decoded = decode(content)
    except (ImageError, OSError) as error:
        row["problem"] = str(error)
        return row, b"", None
    sha256 = hashlib.sha256(content).hexdigest()
    first = first_of.setdefault(sha256, item)
    if first is not item:
        difference, row["kind"] = _difference(first, item)
        row["problem"] = f"same content as {first.image_id}{difference}; kept once"
        return row, content, None
    row["sha256"], row["note"] = sha256, ", ".join(decoded.notes)
    row["width"], row["height"] = decoded.rgb.size
    row["extent"] = decoded.scaling.extent if decoded.scaling else None
    return row, content, decoded


def _difference(first: Item, second: Item) -> tuple[str, str]:
    """What to know about two files with the same content, and their kind of problem."""
    parts = {first.split, second.split} - {""}
    is_leak = "query" in parts and len(parts) > 1
    is_conflict = first.labels != second.labels
    text = f" (leak: {first.split} and {second.split})" if is_leak else ""
    text += " with other labels" if is_conflict else ""
    kind = "duplicate" + (" leak" if is_leak else "") + (" conflict" if is_conflict else "")
    return text, kind
