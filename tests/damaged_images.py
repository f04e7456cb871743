"""Images that are damaged, or claim to be what they are not."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from pipeline.images import FORMATS


def encoded(image, kind="PNG", **options):
    """The bytes of an image in a format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(width, height):
    """A PNG that states a size and has hardly any pixels."""
    chunks = (
        (b"IHDR", struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(100))),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def mutated(rng):
    """A small image in a random format and mode, damaged in one of several ways."""
    mode = rng.choice(["RGB", "L", "P", "RGBA", "1", "CMYK", "I;16", "LA", "F"])
    kinds = {"CMYK": ["JPEG", "TIFF"], "I;16": ["PNG", "TIFF"], "F": ["TIFF"], "LA": ["PNG"]}
    kinds |= {"P": ["PNG", "GIF", "BMP"], "1": ["PNG", "BMP", "TIFF"], "RGBA": ["PNG", "WEBP"]}
    noise = rng.integers(0, 256, (24, 24), dtype=np.uint8)
    image = Image.fromarray(noise).convert(mode)
    content = bytearray(encoded(image, str(rng.choice(kinds.get(mode, list(FORMATS))))))
    way = rng.integers(6)
    if way == 0:
        content = content[: rng.integers(len(content))]
    elif way == 1:
        content += rng.bytes(50)
    elif way == 2:
        content[: rng.integers(1, 12)] = b""
    else:
        for at in rng.integers(0, len(content), 1 << int(way)):
            content[at] = rng.integers(256)
    return bytes(content)
