"""checked_images(): images of a source, read and checked with nothing stored."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from pipeline.images import Decoded, ImageError, decode
from pipeline.ingest.journal import Row, new_row
from pipeline.ingest.source import Item

_AHEAD = 2  # images in memory for each thread
_LARGE = 32_768  # bytes of a file from which threads gain more than they cost each other
_Looked = tuple[bytes, str, Decoded]  # content, SHA-256, image


@dataclass(frozen=True)
class Checked:
    """One image of a source.

    Attributes:
        item: what it is of the source.
        row: its row of the journal.
        content: its bytes; empty where they could not be read or decoded.
        decoded: the image; None when it is not taken.
    """

    item: Item
    row: Row
    content: bytes
    decoded: Decoded | None


def checked_images(
    items: Iterable[Item], first_of: dict[str, Item], threads: int
) -> Iterator[Checked]:
    """Read and check images in their order, storing nothing.

    Bytes are read one after another, since archives are read from the start; threads decode
    those of large files.

    Args:
        items: to look at.
        first_of: the first item with each content; those that are taken are added.
        threads: that decode.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Item, Future[_Looked]]] = deque()
        for item in items:
            waiting.append((item, _looked_at(item, pool)))
            while waiting and (len(waiting) > _AHEAD * threads or waiting[0][1].done()):
                yield _checked(*waiting.popleft(), first_of)
        while waiting:
            yield _checked(*waiting.popleft(), first_of)


def _looked_at(item: Item, pool: ThreadPoolExecutor) -> Future[_Looked]:
    here: Future[_Looked] = Future()
    try:
        content = item.read()
        if len(content) >= _LARGE:
            return pool.submit(_look, content)
        here.set_result(_look(content))
    except (ImageError, OSError) as error:
        here.set_exception(error)
    return here


def _look(content: bytes) -> _Looked:
    return content, hashlib.sha256(content).hexdigest(), decode(content)


def _checked(item: Item, looked: Future[_Looked], first_of: dict[str, Item]) -> Checked:
    row = new_row(item.image_id)
    try:
        content, sha256, decoded = looked.result()
    except (ImageError, OSError) as error:
        row["problem"] = str(error)
        return Checked(item, row, b"", None)
    first = first_of.setdefault(sha256, item)
    if first is not item:
        difference, row["kind"] = _difference(first, item)
        row["problem"] = f"same content as {first.image_id}{difference}; kept once"
        return Checked(item, row, content, None)
    row["sha256"], row["note"] = sha256, ", ".join(decoded.notes)
    row["width"], row["height"] = decoded.rgb.size
    row["extent"] = decoded.scaling.extent if decoded.scaling else None
    return Checked(item, row, content, decoded)


def _difference(first: Item, second: Item) -> tuple[str, str]:
    """What to know about two files with the same content, and their kind of problem."""
    parts = {first.split, second.split} - {""}
    is_leak = "query" in parts and len(parts) > 1
    is_conflict = first.labels != second.labels
    text = f" (leak: {first.split} and {second.split})" if is_leak else ""
    text += " with other labels" if is_conflict else ""
    kind = "duplicate" + (" leak" if is_leak else "") + (" conflict" if is_conflict else "")
    return text, kind
