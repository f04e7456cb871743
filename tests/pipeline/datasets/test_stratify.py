"""Stratified division: every part gets its share of every label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.datasets.stratify import stratify


def test_one_label_an_image_is_rounded_to_whole_images(rng):
    """0.25 of 40, 20 and 8 images is 10, 5 and 2."""
    classes = np.repeat([0, 1, 2], [40, 20, 8])

    part = stratify(np.eye(3, dtype=bool)[classes], (0.25, 0.75), rng)

    assert [(part[classes == c] == 0).sum() for c in range(3)] == [10, 5, 2]


def test_rare_labels_are_dealt_out_fairly_where_a_random_split_would_miss_them(rng):
    """A label with 10 images among 1,000 that all have another label: 2 of them in a fifth."""
    labels = np.zeros((1000, 3), bool)
    labels[:, 0] = True
    labels[:10, 1] = True
    labels[5:300, 2] = True

    part = stratify(labels, (0.2, 0.8), rng)

    shares = [(part[labels[:, c]] == 0).mean() for c in range(3)]
    assert shares[1] == pytest.approx(0.2)
    assert shares == pytest.approx([0.2, 0.2, 0.2], abs=0.01)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 6))
def test_every_image_is_in_one_part_and_the_parts_have_their_sizes(seed, n, n_classes):
    rng = np.random.default_rng(seed)
    labels = rng.random((n, n_classes)) < 0.3

    part = stratify(labels, (0.5, 0.3, 0.2), np.random.default_rng(0))

    assert part.shape == (n,)
    assert {*part} <= {0, 1, 2}
    sizes = np.bincount(part, minlength=3)
    assert abs(sizes - n * np.array([0.5, 0.3, 0.2])).max() <= 1 + n_classes
    assert np.array_equal(part, stratify(labels, (0.5, 0.3, 0.2), np.random.default_rng(0)))


def test_images_without_labels_are_shared_out_too(rng):
    part = stratify(np.zeros((50, 0), bool), (0.2, 0.8), rng)

    assert (part == 0).sum() == 10
