"""PNG without metadata: texts, dates and resolutions never decide whether its pixels are good."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OPTIONAL = 0x20  # bit of a name's first letter: a reader may pass such a chunk over
_OF_FRAMES = (b"acTL", b"fcTL", b"eXIf")  # their number, and how the picture is turned
_TURNING_TEXTS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")  # in place of eXIf
_MOST_TEXT = 1 << 20  # bytes of a text that may say how the picture is turned


def without_metadata(content: bytes) -> bytes:
    """The chunks that pixels depend on, and those that say how often and which way up they are.

    A text may unpack to more memory than there is, and its reader refuses long ones; a wrong
    checksum in a comment does no harm to the picture. Chunks of pixels are kept as they are.
    """
    view, kept = memoryview(content), [SIGNATURE]
    ends = [*_chunk_ends(content)]
    for start, end in pairwise([len(SIGNATURE), *ends]):
        if _is_needed(view[start:end]):
            kept.append(view[start:end])  # type: ignore[arg-type]  # join takes any buffer
    kept.append(view[(ends or [len(SIGNATURE)])[-1] :])  # type: ignore[arg-type]
    return b"".join(kept)


def _chunk_ends(content: bytes) -> Iterator[int]:
    """Where each whole chunk ends; what follows the last is torn or no chunk."""
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        at += 12 + int(struct.unpack_from(">I", content, at)[0])
        if at > len(content):
            return
        yield at


def _is_needed(chunk: memoryview) -> bool:
    kind, body = bytes(chunk[4:8]), chunk[8:-4]
    if kind == b"tRNS" or not kind[0] & _OPTIONAL:
        return True
    if kind in _OF_FRAMES:
        return _is_whole(chunk)
    start = bytes(body[:40])
    if kind not in (b"tEXt", b"zTXt", b"iTXt") or not start.startswith(_TURNING_TEXTS):
        return False
    return len(body) <= _MOST_TEXT and _is_whole(chunk) and _unpacks_to_little(kind, bytes(body))


def _is_whole(chunk: memoryview) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")


def _unpacks_to_little(kind: bytes, body: bytes) -> bool:
    """Whether a text is no longer than what Pillow takes; one packed in an iTXt is not read."""
    packed = body.partition(b"\0")[2]
    if kind == b"iTXt":
        return not packed.startswith(b"\1")
    if kind == b"tEXt":
        return True
    unpack = zlib.decompressobj()
    try:
        unpack.decompress(packed[1:], _MOST_TEXT)
    except zlib.error:
        return False
    return not unpack.unconsumed_tail
