"""Descriptors of images: colour histograms and perceptual hashes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.runs.image_descriptors import colour_histogram, perceptual_hash


def test_a_colour_histogram_counts_cells_of_colours():
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    image.paste((0, 0, 255), (0, 0, 8, 4))

    histogram = colour_histogram(image)

    assert np.square(histogram).sum() == pytest.approx(1)
    assert histogram[48] == pytest.approx(np.sqrt(0.5), abs=0.05)  # red: 3 * 16
    assert histogram[3] == pytest.approx(np.sqrt(0.5), abs=0.05)  # blue


def test_a_perceptual_hash_has_64_signs_which_brightness_leaves_alone():
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(20, 160, (8, 8, 3), np.uint8))
    image = coarse.resize((96, 96), Image.Resampling.BICUBIC)
    brighter = image.point(lambda value: value * 1.3)
    other = Image.fromarray(rng.integers(20, 160, (8, 8, 3), np.uint8)).resize((96, 96))

    signs = perceptual_hash(image)

    assert set(signs.tolist()) == {-1, 1}
    assert signs.shape == (64,)
    assert (signs != perceptual_hash(brighter)).sum() <= 4
    assert (signs != perceptual_hash(other)).sum() > 16
