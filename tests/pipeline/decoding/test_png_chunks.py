"""PNG chunks: those of the picture stay as they are, those about it go."""

import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipeline.decoding.png_chunks import without_metadata
from pipeline.images import ImageError, load_rgb
from tests.factories import png


def annotated():
    """A red PNG with a text and a resolution."""
    texts, buffer = PngInfo(), io.BytesIO()
    texts.add_text("Comment", "by hand")
    Image.new("RGB", (8, 8), (200, 30, 30)).save(buffer, "PNG", pnginfo=texts, dpi=(72, 72))
    return buffer.getvalue()


def damaged(content, name):
    """The same with a chunk whose checksum is wrong."""
    at = content.index(name)
    end = at + 4 + int.from_bytes(content[at - 4 : at], "big")
    return content[:end] + bytes(byte ^ 255 for byte in content[end : end + 4]) + content[end + 4 :]


def test_only_chunks_of_the_picture_are_left():
    assert without_metadata(annotated()) == png()


def test_a_wrong_checksum_counts_in_the_picture_only():
    for name in (b"tEXt", b"pHYs"):
        assert load_rgb(damaged(annotated(), name)).getpixel((0, 0)) == (200, 30, 30)

    with pytest.raises(ImageError, match="is damaged"):
        load_rgb(damaged(annotated(), b"IHDR"))


def test_a_torn_or_senseless_tail_stays_for_the_decoder_to_judge():
    whole = png()

    for length in range(8, len(whole)):
        assert without_metadata(whole[:length]) == whole[:length]
    assert without_metadata(whole + b"tail").startswith(whole)


def test_the_orientation_is_kept_wherever_it_stands():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (16, 8)).save(buffer, "PNG", exif=exif)
    xmp = PngInfo()
    xmp.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    second = io.BytesIO()
    Image.new("RGB", (16, 8)).save(second, "PNG", pnginfo=xmp)

    assert load_rgb(buffer.getvalue()).size == load_rgb(second.getvalue()).size == (8, 16)
