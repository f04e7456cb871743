"""More than 8 bits per channel: the numbers of the file arrive, whatever the format and mode."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pipeline.images import decode
from tests.factories import tiff


def png16(values):
    """A PNG with these 16-bit values (h, w, channels)."""
    height, width, channels = values.shape
    kind = {2: 4, 3: 2, 4: 6}[channels]
    lines = b"".join(b"\0" + line.tobytes() for line in values.astype(">u2"))
    chunks = (
        (b"IHDR", struct.pack(">II5B", width, height, 16, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def grid(channels=1, top=4095):
    """A picture of 12 bits, brighter to the right and, from channel to channel, darker."""
    line = np.linspace(0, top, 64)[None, :, None] * np.linspace(1, 0.5, channels)
    return np.broadcast_to(line, (8, 64, channels)).astype(np.uint16).copy()


def levels_of(content):
    return np.asarray(decode(content).rgb)[0]


def test_twelve_bits_in_sixteen_are_scaled_by_twelve():
    grey = grid()[..., 0]
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")

    for content in (buffer.getvalue(), tiff(grey)):
        decoded = decode(content)
        assert (str(decoded.scaling.value_range), decoded.scaling.value_range.numbers) == (
            "0..4095",
            "uint16",
        )
        assert np.asarray(decoded.rgb)[0, [0, -1], 0].tolist() == [0, 255]


def test_colours_of_twelve_bits_in_sixteen_are_not_nearly_black():
    """Green is three quarters and blue half of red: 255, 191 and 127 at the right."""
    for content in (png16(grid(3)), tiff(grid(3))):
        decoded = decode(content)
        assert str(decoded.scaling.value_range) == "0..4095"
        assert np.asarray(decoded.rgb)[0, -1].tolist() == [255, 191, 127]


def test_opacity_beside_sixteen_bits_is_not_scaled():
    """White paper shows through at the left half, where nothing is opaque."""
    grey = np.concatenate([grid(), np.full((8, 64, 1), 65535, np.uint16)], axis=2)
    grey[:, :32, 1] = 0
    colour = np.concatenate([grid(3), np.full((8, 64, 1), 65535, np.uint16)], axis=2)
    colour[:, :32, 3] = 0

    for values, right in ((grey, [255, 255, 255]), (colour, [255, 191, 127])):
        decoded = decode(png16(values))
        assert np.asarray(decoded.rgb)[0, [0, -1]].tolist() == [[255, 255, 255], right]
        assert decoded.notes == ("transparency on white",)


def test_a_value_named_as_transparent_is_white():
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 7, 4095]], np.uint16)).save(buffer, "PNG", transparency=7)

    assert levels_of(buffer.getvalue())[:, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("kind", "numbers", "values", "name"),
    [
        ("<i2", 2, [-1024, 0, 1023], "int16"),
        ("<i4", 2, [-1024, 0, 1023], "int32"),
        ("<u4", 1, [0, 2**31, 2**32 - 1], "uint32"),
        ("<f4", 3, [-1, 0, 1], "float32"),
        ("i1", 2, [-128, 0, 127], "int8"),
    ],
)
def test_signed_unsigned_and_float_numbers_keep_their_order(kind, numbers, values, name):
    decoded = decode(tiff(np.array([values], kind), numbers=numbers))

    assert decoded.scaling.value_range.numbers == name
    assert np.asarray(decoded.rgb)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(("kind", "numbers"), [("<u2", 1), ("u1", 1), ("<f4", 3)])
def test_where_white_is_zero_the_least_value_is_white(kind, numbers):
    content = tiff(np.array([[0, 1, 255]], kind), numbers=numbers, photometric=0)

    assert levels_of(content)[:, 0].tolist() == [255, 254, 0]


@pytest.mark.parametrize(("missing", "low"), [("-9999", 0), ("nothing", -16384)])
def test_a_value_that_means_nothing_was_measured_does_not_set_the_range(missing, low):
    """A map of heights, a third of which is unknown."""
    heights = np.array([[-9999, 100, 200]], np.float32)

    decoded = decode(tiff(heights, numbers=3, more={42113: missing}))

    assert decoded.scaling.value_range.low == low


def test_lab_colours_become_rgb():
    """Without colour (128), L = 255 of 255 is white and L = 0 black."""
    buffer = io.BytesIO()
    lab = Image.fromarray(np.array([[[255, 128, 128], [0, 128, 128]]], np.uint8))
    Image.merge("LAB", lab.split()).save(buffer, "TIFF")

    white, black = levels_of(buffer.getvalue())

    assert white.min() >= 254
    assert black.max() <= 1


def test_a_wide_image_is_turned_with_its_numbers():
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(grid()[..., 0]).save(buffer, "TIFF", exif=exif)

    decoded = decode(buffer.getvalue())

    assert decoded.rgb.size == (8, 64)
    assert np.asarray(decoded.rgb)[[0, -1], 0, 0].tolist() == [0, 255]
    assert decoded.notes == ("turned upright",)
