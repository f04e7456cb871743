"""augmented: views that look alike, never twice the same, and always the same again."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from pipeline.augment import _crop, _turned, augmented


def digest(name="a"):
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def image(rng) -> Image.Image:
    """A red-to-blue gradient with some noise, wider than high."""
    values = np.zeros((40, 60, 3))
    values[..., 0], values[..., 2] = np.linspace(220, 20, 60), np.linspace(20, 220, 60)
    return Image.fromarray((values + rng.integers(0, 30, values.shape)).astype(np.uint8))


def test_a_view_is_the_same_every_time(image):
    assert augmented(image, digest(), 1).tobytes() == augmented(image, digest(), 1).tobytes()


def test_views_and_images_differ(image):
    looks = [augmented(image, digest(name), view) for name in "ab" for view in (1, 2, 3)]
    plain = image.resize((256, 256), Image.Resampling.BICUBIC)

    assert len({look.tobytes() for look in (plain, *looks)}) == 7


def test_the_random_numbers_of_others_are_left_alone(image):
    np.random.seed(0)  # noqa: NPY002 - the global state is what must not move
    before = np.random.get_state()[1].copy()  # noqa: NPY002

    augmented(image, digest(), 1)

    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("size", [(1, 1), (8, 300), (500, 375)])
def test_every_shape_of_image_gives_views_of_one_size(size):
    image = Image.new("RGB", size, (200, 30, 30))

    for view in range(1, 9):
        look = augmented(image, digest(), view)
        assert (look.size, look.mode) == ((256, 256), "RGB")


def test_crops_lie_inside_and_keep_at_least_half_of_a_square():
    rng = np.random.default_rng(0)

    for _ in range(300):
        left, top, right, bottom = _crop((100, 100), rng)
        assert 0 <= left < right <= 100
        assert 0 <= top < bottom <= 100
        assert (right - left) * (bottom - top) >= 5000 - 1e-6


def test_a_third_of_the_colour_circle_turns_red_to_green():
    turned = _turned(Image.new("RGB", (2, 2), (255, 0, 0)), 1 / 3)

    red, green, blue = turned.getpixel((0, 0))
    assert green == 255
    assert max(red, blue) < 10


def test_about_a_fifth_of_the_views_are_grey(image):
    def is_grey(view):
        values = np.asarray(augmented(image, digest(), view)).astype(int)
        return np.ptp(values, axis=2).max() == 0

    assert 5 <= sum(is_grey(view) for view in range(1, 61)) <= 22
