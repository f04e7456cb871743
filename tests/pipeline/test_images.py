"""load_rgb: every kind of file becomes upright RGB, or is refused with a reason."""

import base64
import io
import struct
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from pipeline.images import (
    FORMATS,
    MAX_PIXELS,
    SUFFIXES,
    ImageError,
    decode,
    difference_hash,
    load_rgb,
    looks_like_image,
)
from tests.damaged_images import claiming, encoded, mutated
from tests.factories import png, tiff

RED, BLUE = (255, 0, 0), (0, 0, 255)


def half_red_half_blue(size=(16, 8)):
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def near(pixel, colour, tolerance=40):
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_becomes_rgb(kind):
    image = load_rgb(encoded(half_red_half_blue(), kind))

    assert (image.mode, image.size) == ("RGB", (16, 8))
    assert near(image.getpixel((2, 4)), RED)
    assert near(image.getpixel((13, 4)), BLUE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (16, 8), (2, 4)),
        (2, (16, 8), (13, 4)),
        (3, (16, 8), (13, 4)),
        (4, (16, 8), (2, 4)),
        (5, (8, 16), (4, 2)),
        (6, (8, 16), (4, 2)),
        (7, (8, 16), (4, 13)),
        (8, (8, 16), (4, 13)),
    ],
)
def test_cameras_orientation_is_applied_once_and_noted(kind, orientation, size, red):
    exif = Image.Exif()
    exif[0x0112] = orientation

    decoded = decode(encoded(half_red_half_blue(), kind, exif=exif, quality=95))

    assert decoded.rgb.size == size
    assert near(decoded.rgb.getpixel(red), RED, 90)
    assert decoded.notes == ("turned upright",) * (orientation > 1)


def exif_of(*entries):
    """EXIF data of tags in little-endian order: number, type, count, and four bytes of value."""
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHI4s", tag, kind, count, value) for tag, kind, count, value in entries
    )
    return b"Exif\0\0II*\0\x08\0\0\0" + directory + bytes(4)


@pytest.mark.parametrize(
    ("orientation", "is_turned"),
    [
        ((3, 1, b"\x06\0\0\0"), True),  # a short, as the standard says
        ((4, 1, b"\x06\0\0\0"), True),
        ((11, 1, struct.pack("<f", 6)), True),
        ((3, 2, b"\x06\0\x06\0"), True),
        ((3, 1, b"\0\0\0\0"), False),
        ((3, 1, b"\x09\0\0\0"), False),
        ((3, 1, b"\xff\xff\0\0"), False),
        ((2, 2, b"6\0\0\0"), False),
        ((1, 1, b"\x06\0\0\0"), False),  # bytes, which are no number
        ((7, 1, b"\x06\0\0\0"), False),
        ((99, 1, b"\x06\0\0\0"), False),
    ],
)
def test_an_orientation_turns_by_its_number_and_anything_else_is_upright(orientation, is_turned):
    decoded = decode(encoded(half_red_half_blue(), "JPEG", exif=exif_of((0x0112, *orientation))))

    assert decoded.rgb.size == ((8, 16) if is_turned else (16, 8))
    assert decoded.notes == ("turned upright",) * is_turned


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "odd",
    [
        (0x0128, 2, 2, b"x\0\0\0"),  # text where a number belongs
        (0x0100, 8, 1, struct.pack("<hxx", -5)),  # a negative width
        (0x8769, 2, 2, b"x\0\0\0"),  # no address of more tags
        (0x8825, 4, 1, b"\xff\xff\xff\x7f"),  # an address beyond the end
        (0x9286, 250, 9, b"\0\0\0\0"),  # a type that does not exist
    ],
)
def test_an_odd_tag_beside_the_orientation_does_not_make_good_pixels_bad(kind, odd):
    exif = exif_of((0x0112, 3, 1, b"\x06\0\0\0"), odd)

    assert load_rgb(encoded(half_red_half_blue(), kind, exif=exif)).size == (8, 16)


def test_exif_data_that_is_noise_does_not_make_good_pixels_bad():
    rng = np.random.default_rng(0)

    for _ in range(50):
        exif = b"Exif\0\0II*\0\x08\0\0\0" + rng.bytes(int(rng.integers(0, 200)))
        size = load_rgb(encoded(half_red_half_blue(), "JPEG", exif=exif)).size
        assert size in ((16, 8), (8, 16))


def test_transparent_colours_of_a_palette_become_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((1, 1), 1)

    shown = load_rgb(encoded(image, transparency=0))

    assert shown.getpixel((0, 0)) == (255, 255, 255)
    assert shown.getpixel((1, 1)) == RED


def test_half_transparent_black_becomes_grey():
    """Alpha 128 of 255 over white: 255 (1 - 128/255) = 127."""
    assert load_rgb(png((0, 0, 0, 128), mode="RGBA")).getpixel((0, 0)) == (127, 127, 127)


def test_transparent_grey_becomes_white():
    assert load_rgb(png((40, 0), mode="LA")).getpixel((0, 0)) == (255, 255, 255)


def test_print_colours_are_converted():
    """Full cyan and yellow ink without magenta and black is green."""
    cmyk = Image.new("CMYK", (8, 8), (255, 0, 255, 0))

    assert near(load_rgb(encoded(cmyk, "TIFF")).getpixel((4, 4)), (0, 255, 0))


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    """0, half and full of 65535 become 0, 128 and 255; a plain conversion would clip at 255."""
    grey = Image.fromarray(np.array([[0, 32896, 65535]], np.uint16))

    shown = np.asarray(load_rgb(encoded(grey)))

    assert shown[0, :, 0].tolist() == [0, 128, 255]


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]

    shown = load_rgb(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    assert near(shown.getpixel((3, 3)), RED)


def test_black_and_white_becomes_rgb():
    assert load_rgb(png(1, mode="1")).getpixel((0, 0)) == (255, 255, 255)


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(half_red_half_blue(), "JPEG"))

    assert load_rgb(path).size == (16, 8)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated_files_are_refused(kind, share):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, kind)

    with pytest.raises(ImageError, match=r"is truncated|is damaged"):
        load_rgb(content[: int(len(content) * share)])


@pytest.mark.parametrize("side", [8001, 30_000, 200_000])
def test_a_few_bytes_that_claim_many_pixels_are_refused_before_decoding(side):
    assert side * side > MAX_PIXELS

    with pytest.raises(ImageError, match=r"million|too many pixels"):
        load_rgb(claiming(side, side))


def test_a_mere_line_is_refused_and_a_long_strip_is_not():
    def strip(length: int) -> bytes:
        return encoded(Image.new("RGB", (length, 1)), "PNG")

    assert load_rgb(strip(200)).size == (200, 1)
    with pytest.raises(ImageError, match="has 201 x 1 pixels; one side may have 200 times"):
        load_rgb(strip(201))


@pytest.mark.parametrize(
    "content",
    [
        b"not an image",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
        encoded(half_red_half_blue(), "PPM"),
    ],
    ids=["text", "EPS", "PPM"],
)
def test_what_is_no_image_that_is_taken_is_refused_with_those_that_are(content):
    with pytest.raises(
        ImageError, match="the image is not a JPEG, PNG, WEBP, BMP, GIF, TIFF, AVIF or HEIC image"
    ):
        load_rgb(content)


def long_text(n_bytes, keyword="Comment"):
    """A PNG with a text of so many bytes, which packs to next to nothing."""
    texts = PngInfo()
    texts.add_text(keyword, "x" * n_bytes, zip=True)
    return encoded(half_red_half_blue(), pnginfo=texts)


def test_a_long_text_in_a_png_is_no_reason_to_refuse_it():
    assert load_rgb(long_text(3_000_000)).getpixel((2, 4)) == RED
    assert load_rgb(long_text(3_000_000, "Raw profile type exif")).getpixel((2, 4)) == RED


def test_texts_that_unpack_to_a_lot_take_no_memory():
    """A hundred texts of 10 MB each, in 1 MB: what is allocated stays below one of them."""
    content = long_text(10_000_000)
    at = content.index(b"zTXt") - 4
    size = 12 + int.from_bytes(content[at : at + 4], "big")
    bomb = content[:at] + content[at : at + size] * 100 + content[at + size :]

    tracemalloc.start()
    try:
        assert load_rgb(bomb).getpixel((2, 4)) == RED
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (
            b"\0\0\0\x18ftypheic" + bytes(200),
            r"is a HEIC image; .*requirements-optional.txt; or conv",
        ),
        (b"\0\0\0\x1cftypavif" + bytes(200), r"is damaged: it begins like an image"),
        (b"\xff\x0a" + bytes(50), r"is a JPEG XL image, .* djxl IN.jxl OUT.png"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "is a JPEG XL image"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "is a JPEG 2000 image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='8'/>", "is an SVG drawing"),
        (b"<?xml version='1.0'?>\n<!-- by hand -->\n<svg/>", "is an SVG drawing"),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'><svg/>", "is an SVG drawing"),
        (b"\n<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"<HTML><body>gone</body>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        (b"%PDF-1.7", "is a PDF document"),
        (b"../../blobs/01", "holds nothing but a path, ../../blobs/01: a symbolic link that"),
        (b"/9j/2024/photo one.jpg", "holds nothing but a path"),
        (base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(5000)), "is an image written as base64 text"),
        (b"data:image/png;base64,iVBORw0KGgoAAAA=\n", "is an image written as base64 text"),
        (
            b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>",
            r"is an error message of a file store \(AccessDenied\), as servers send",
        ),
        (b"<Error/>", "is an error message of a file store, as servers send"),
        (b'{"error": "not found"}', "is JSON text, as servers send"),
        (b'[ {"message": "gone"} ]\n', "is JSON text, as servers send"),
        (b"{}", "is JSON text"),
        (b"some notes", "is not a JPEG"),
        (b"{\0\0\0", "is not a JPEG"),
        (encoded(half_red_half_blue(), "JPEG")[:400], "is truncated: the file ends"),
    ],
)
def test_each_cause_has_one_message(content, cause, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed

    with pytest.raises(ImageError, match=f"^the image {cause}"):
        load_rgb(content)


@pytest.mark.parametrize(
    ("values", "tags", "kind"),
    [
        (np.zeros((4, 4), np.float64), {"numbers": 3}, "1 float channel of 64 bits"),
        (np.zeros((4, 4, 3), np.float32), {"numbers": 3}, "3 float channels of 32 bits"),
        (np.zeros((4, 4, 5), np.uint8), {}, "5 channels of 8 bits"),
        (np.zeros((4, 4, 3), np.uint16), {"planes": 2}, "3 channels of 16 bits in separate planes"),
    ],
)
def test_a_tiff_of_channels_that_cannot_be_read_says_which(values, tags, kind):
    with pytest.raises(ImageError, match=f"^the image is a TIFF with {kind}, which"):
        load_rgb(tiff(values, **tags))


def test_a_tiff_whose_first_picture_is_a_preview_is_not_taken_for_the_picture():
    """As camera raw files have it: the tag of a reduced picture is set."""
    with pytest.raises(ImageError, match="is a camera raw file, or a TIFF whose first picture is"):
        load_rgb(tiff(np.zeros((4, 4, 3), np.uint8), more={254: 1}))


def test_an_avif_image_is_read():
    decoded = decode(encoded(half_red_half_blue((64, 32)), "AVIF"))

    assert (decoded.suffix, decoded.rgb.size) == (".avif", (64, 32))


def test_a_heic_image_is_read_and_turned_once_where_the_optional_package_is_there():
    """Its own turn is applied by its decoder; the EXIF tag beside it says the same again."""
    heif = pytest.importorskip("pillow_heif", reason="needs requirements-optional.txt")
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture = half_red_half_blue((64, 32))
    heif.from_pillow(picture).save(buffer, exif=exif.tobytes(), quality=90)

    decoded = decode(buffer.getvalue())

    assert (decoded.suffix, decoded.rgb.size) == (".heic", (32, 64))
    assert near(decoded.rgb.getpixel((16, 8)), RED)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ImageError, match=r"gone.png cannot be read: No such file"):
        load_rgb(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="cannot be read: Is a directory"):
        load_rgb(tmp_path)


def test_an_error_about_a_file_carries_its_name(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff")

    with pytest.raises(ImageError, match=r"^broken.jpg is"):
        load_rgb(path)


def test_suffixes_are_lower_case_names_of_the_formats():
    known = Image.registered_extensions()

    assert {known.get(suffix, "HEIF") for suffix in SUFFIXES} == {*FORMATS, "HEIF"}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_suffix_is_that_of_the_content(kind):
    known = Image.registered_extensions()

    assert known[decode(encoded(half_red_half_blue(), kind)).suffix] == kind
    assert looks_like_image(encoded(half_red_half_blue(), kind)[:12])


def test_other_content_does_not_look_like_an_image():
    for head in (b"", b"%PDF-1.7", b"RIFF\0\0\0\0WAVE", b"<svg", b"PK\3\4"):
        assert not looks_like_image(head)


def test_conversions_that_people_may_see_are_noted():
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]

    notes = {
        "turned upright": encoded(half_red_half_blue(), "JPEG", exif=exif),
        "first of 2 frames": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "CMYK to RGB": encoded(Image.new("CMYK", (8, 8)), "JPEG"),
        "transparency on white": png((0, 0, 0, 9), mode="RGBA"),
    }

    assert {note: decode(content).notes for note, content in notes.items()} == {
        note: (note,) for note in notes
    }
    assert decode(png((0, 0, 0, 255), mode="RGBA")).notes == ()  # opaque: nothing is lost


def test_a_damaged_colour_profile_does_not_stop_the_conversion():
    cmyk = Image.new("CMYK", (8, 8), (255, 0, 255, 0))

    shown = load_rgb(encoded(cmyk, "TIFF", icc_profile=b"no profile"))

    assert near(shown.getpixel((4, 4)), (0, 255, 0))


def test_a_colour_profile_of_another_kind_is_passed_over():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # RGB, not ink
    cmyk = Image.new("CMYK", (8, 8), (255, 0, 255, 0))

    assert near(load_rgb(encoded(cmyk, "TIFF", icc_profile=profile)).getpixel((4, 4)), (0, 255, 0))


def test_the_difference_hash_survives_resizing_and_recompression_but_not_another_picture():
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    picture = small.resize((96, 96), Image.Resampling.BICUBIC)
    again = load_rgb(encoded(picture.resize((150, 150)), "JPEG", quality=60))
    other = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((96, 96))

    own = difference_hash(picture)

    assert (own ^ difference_hash(again)).bit_count() <= 4
    assert (own ^ difference_hash(other)).bit_count() > 10
    assert difference_hash(Image.new("RGB", (50, 50), RED)) == 0


def test_the_first_bit_of_the_hash_is_the_top_left_pair():
    """A dark left half before a light right one: one rising edge a row, in column 4 of 8."""
    image = Image.new("L", (9, 8), 0)
    image.paste(255, (5, 0, 9, 8))

    assert difference_hash(image) == int("00001000" * 8, 2)


@pytest.mark.parametrize("batch", range(20))
def test_mutated_images_are_taken_or_refused_with_a_reason(batch):
    """20 batches of 30 images, 600 in all."""
    rng, n_taken = np.random.default_rng(batch), 0

    for _ in range(30):
        try:
            decoded = decode(mutated(rng))
        except ImageError as error:
            assert len(str(error)) > 20
        else:
            n_taken += 1
            assert decoded.rgb.mode == "RGB"
            assert decoded.suffix in SUFFIXES

    assert 0 < n_taken < 30
