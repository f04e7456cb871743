"""What a file is by its first bytes, and what to do about one that is no picture for us."""

from __future__ import annotations

import io
import re

from PIL import TiffImagePlugin

from models.installation import extra

HEAD_BYTES = 16  # enough for `looks_like_image`
_STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"BM",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"\xff\x0a",  # JPEG XL
    b"\0\0\0\x0cJXL ",
    b"\0\0\0\x0cjP  ",  # JPEG 2000
)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif")
_AVIF_BRANDS = (b"avif", b"avis")
_TO_JPEG = "convert it to JPEG or PNG, for example with"
_OPTIONAL = f"install the optional package: {extra('optional')}"

HEIC_HINT = f"is a HEIC image; to read it, {_OPTIONAL}; or {_TO_JPEG}: magick IN.heic OUT.jpg"
AVIF_HINT = (
    f"is an AVIF image, which this build of Pillow cannot read; {_TO_JPEG}: magick IN.avif OUT.png"
)
PREVIEW_HINT = (
    "is a camera raw file, or a TIFF whose first picture is a small preview; convert it to TIFF or "
    "PNG with a raw converter"
)
_TEXTS = (  # what the text of a file begins with, up to case
    (
        b"version https://git-lfs",
        "is a Git LFS pointer, not the image itself; fetch it: git lfs pull",
    ),
    (b"<svg", "is an SVG drawing, which has no pixels; export it as PNG"),
    (
        b"<!doctype html",
        "is a web page, as servers send in place of a missing file; download the image again",
    ),
    (
        b"<html",
        "is a web page, as servers send in place of a missing file; download the image again",
    ),
)
_BYTES = (
    (b"\xff\x0a", f"is a JPEG XL image, which is not supported; {_TO_JPEG}: djxl IN.jxl OUT.png"),
    (
        b"\0\0\0\x0cJXL ",
        f"is a JPEG XL image, which is not supported; {_TO_JPEG}: djxl IN.jxl OUT.png",
    ),
    (
        b"\0\0\0\x0cjP  ",
        f"is a JPEG 2000 image, which is not supported; {_TO_JPEG}: magick IN.jp2 OUT.png",
    ),
    (b"%PDF", "is a PDF document; export its pages as PNG"),
)

# How the usual formats begin in base64: JPEG, PNG, GIF, RIFF as in WebP, TIFF; or a data URL.
_BASE64 = re.compile(
    rb"(data:image/[\w.+-]+;base64,)?(/9j/|iVBORw0KGgo|R0lGOD|UklGR|SUkqA|TU0AK)[\w+/\s-]*=*\s*",
    re.ASCII,
)
_XML_ERROR = re.compile(rb"<(\w+:)?error[\s>/]", re.IGNORECASE)
_JSON = re.compile(rb'[{\[]\s*(["{\[]|[}\]]\s*$)[^\0-\x08]*$')


def looks_like_image(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an image, also of one that is then refused."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(_STARTS) or is_webp or is_heic(head) or is_avif(head)


def is_heic(content: bytes) -> bool:
    """Whether a file is a HEIC or HEIF image."""
    return bool(_brands(content) & {*_HEIC_BRANDS}) and not is_avif(content)


def is_avif(content: bytes) -> bool:
    """Whether a file is an AVIF image."""
    return bool(_brands(content) & {*_AVIF_BRANDS})


def _brands(content: bytes) -> set[bytes]:
    """The kinds of file that a container of the ISO family says it can be read as."""
    if content[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(content[:4], "big"), 256, len(content) - 3)
    return {content[8:12], *(content[at : at + 4] for at in range(16, end, 4))}


def known_refusal(content: bytes) -> str:
    """Name the kind of a file that no decoder takes, and what to do; empty when it is not known."""
    if not content:
        return "is empty (0 bytes); copy or download it again"
    if content[:4] in (b"II*\0", b"MM\0*"):
        return about_tiff(content) if _is_of_unknown_pixels(content) else ""
    text = re.sub(
        rb"^(\xef\xbb\xbf)?\s*(<\?xml.*?\?>\s*)?(<!--.*?-->\s*)*", b"", content[:2000], flags=re.S
    )
    if text[:9].lower() == b"<!doctype" and b"svg" in text[:100].lower():
        return _TEXTS[1][1]
    if _BASE64.fullmatch(text):
        return "is an image written as base64 text; decode it: base64 -d IN > OUT"
    if re.fullmatch(rb"\.{0,2}/[^\0-\x1f]{1,400}\n?", content):
        return (
            f"holds nothing but a path, {content.decode('utf-8', 'replace').strip()}: a symbolic "
            "link that was copied as text; copy the file that it points to"
        )
    lowered = text[:40].lower()
    refusals = (refusal for start, refusal in _TEXTS if lowered.startswith(start))
    return (
        next(refusals, "")
        or next((refusal for start, refusal in _BYTES if content.startswith(start)), "")
        or _known_answer(text)
    )


def _known_answer(text: bytes) -> str:
    """What the answer of a server is that was saved under the name of an image; empty for none."""
    if _XML_ERROR.match(text):
        code = re.search(rb"<code>([\w.]{1,60})</code>", text, re.IGNORECASE)
        what = f"an error message of a file store{f' ({code[1].decode()})' if code else ''}"
    elif _JSON.match(text):
        what = "JSON text"
    else:
        return ""
    return f"is {what}, as servers send in place of a missing file; download the image again"


def about_tiff(content: bytes) -> str:
    """Which channels a TIFF has that are not supported, and what to save in their place."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
    stream = io.BytesIO(content)
    stream.seek(directory.next)
    directory.load(stream)
    bits, numbers = directory.get(258, (1,)), directory.get(339, (1,))
    channels, planes = directory.get(277, 1), directory.get(284, 1)
    kind = {2: "signed ", 3: "float "}.get(numbers[0], "")
    many = "s" * (channels != 1)
    apart = " in separate planes" if planes == 2 else ""
    return (
        f"is a TIFF with {channels} {kind}channel{many} of {bits[0]} bits{apart}, which is not "
        "supported; save grey in at most 32 bits, or red, green and blue interleaved in 8 or 16"
    )


def _is_of_unknown_pixels(content: bytes) -> bool:
    """Whether the header of a TIFF is whole, but names channels that Pillow does not know."""
    try:
        TiffImagePlugin.TiffImageFile(io.BytesIO(content)).close()
    except Exception as error:  # the header may be damaged in any way
        return "unknown pixel mode" in str(error)
    return False
