"""Colour histograms of images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.runs.colour_histograms import colour_histogram


def test_a_colour_histogram_counts_cells_of_colours():
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    image.paste((0, 0, 255), (0, 0, 8, 4))

    histogram = colour_histogram(image)

    assert np.square(histogram).sum() == pytest.approx(1)
    assert histogram[48] == pytest.approx(np.sqrt(0.5), abs=0.05)  # red: 3 * 16
    assert histogram[3] == pytest.approx(np.sqrt(0.5), abs=0.05)  # blue
