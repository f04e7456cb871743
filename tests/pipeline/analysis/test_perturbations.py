"""Changes of an image: each does something, and more of it the stronger it is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.analysis.perturbations import CHANGES, STRENGTHS, Change, altered, change_names


@pytest.fixture
def image() -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 200, (16, 24, 3), np.uint8)
    return Image.fromarray(coarse).resize((192, 128), Image.Resampling.BILINEAR)


def difference(first: Image.Image, second: Image.Image) -> float:
    pixels = [np.asarray(one.resize(first.size), float) for one in (first, second)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_gives_another_rgb_image_and_leaves_the_original(
    image: Image.Image, change: Change
) -> None:
    before = image.copy()

    for size in change.sizes:
        found = change.apply(image, size)
        assert found.mode == "RGB"
        assert difference(image, found) > 0
    assert difference(before, image) == 0


@pytest.mark.parametrize("name", ["Rotated", "JPEG", "Brightness", "Resized", "Text", "Blurred"])
def test_stronger_changes_change_more(image: Image.Image, name: str) -> None:
    (change,) = (one for one in CHANGES if one.name.startswith(name))
    changed = [difference(image, change.apply(image, size)) for size in change.sizes]
    assert changed == sorted(changed)
    assert changed[0] < changed[-1]


def test_names_tell_the_size_and_images_come_in_their_order(image: Image.Image) -> None:
    names = change_names(STRENGTHS.index("Strong"))
    assert names[0] == "Rotated by 30°"
    assert names[5] == "Resized to 12%"
    mirrored = altered(image, 2)[names.index("Mirrored")]
    assert difference(ImageOps.mirror(image), mirrored) == 0


def test_tiny_images_are_changed_too() -> None:
    for strength in range(len(STRENGTHS)):
        assert all(min(one.size) >= 1 for one in altered(Image.new("RGB", (4, 3), "red"), strength))
