"""The table of alternatives: what cannot be trained is left out with a reason."""

from __future__ import annotations

import pytest

from pipeline.runs.alternatives import ALTERNATIVES


@pytest.mark.parametrize(
    ("name", "n_train", "d", "reason"),
    [
        ("float32", 1, 8, ""),
        ("signs-hamming", 1, 8, ""),
        ("pca-64", 65, 64, ""),
        ("pca-64", 64, 1280, "64 training images of 1,280-d features have 63"),
        ("pca-32", 4000, 16, "needs 32 principal components"),
        ("pq-4", 255, 1280, "needs 256 training images, one per centroid; there are 255"),
        ("opq-4", 256, 1280, ""),
    ],
)
def test_what_there_are_too_few_images_for_says_so(name, n_train, d, reason):
    obstacle = ALTERNATIVES[name].obstacle(n_train, d)

    assert reason in obstacle
    assert bool(reason) == bool(obstacle)
