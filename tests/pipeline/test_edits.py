"""Edits of an image: each does something, and more of it the stronger it is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.edits import ALL_SIZES, EDITS, STRENGTHS, Edit, edit_names, edited


@pytest.fixture
def image() -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 200, (16, 24, 3), np.uint8)
    return Image.fromarray(coarse).resize((192, 128), Image.Resampling.BILINEAR)


def difference(first: Image.Image, second: Image.Image) -> float:
    pixels = [np.asarray(one.resize(first.size), float) for one in (first, second)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_gives_another_rgb_image_and_leaves_the_original(
    image: Image.Image, edit: Edit
) -> None:
    before = image.copy()

    for size in edit.sizes:
        found = edit.apply(image, size)
        assert found.mode == "RGB"
        assert difference(image, found) > 0
    assert difference(before, image) == 0


@pytest.mark.parametrize("name", ["Rotated", "JPEG", "Brightness", "Resized", "Text", "Blurred"])
def test_stronger_edits_change_more(image: Image.Image, name: str) -> None:
    (edit,) = (one for one in EDITS if one.name.startswith(name))
    changed = [difference(image, edit.apply(image, size)) for size in edit.sizes]
    assert changed == sorted(changed)
    assert changed[0] < changed[-1]


def test_names_tell_the_size(image: Image.Image) -> None:
    names = edit_names(STRENGTHS.index("Strong"))
    assert names[0] == "Rotated by 30°"
    assert names[5] == "Resized to 12%"


def test_an_edit_by_number_goes_from_light_to_strong(image: Image.Image) -> None:
    light, strong = edited(image, 0), edited(image, 2)

    assert difference(EDITS[0].apply(image, 5), light) == 0
    assert difference(EDITS[0].apply(image, 30), strong) == 0
    assert difference(ImageOps.mirror(image), edited(image, len(ALL_SIZES) - 1)) == 0


def test_tiny_images_are_edited_too() -> None:
    image = Image.new("RGB", (4, 3), "red")
    assert all(min(edited(image, number).size) >= 1 for number in range(len(ALL_SIZES)))
