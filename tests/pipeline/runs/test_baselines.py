"""Baselines: exact where they can be, stored once, and silent about images that cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes import HashCodes
from models.errors import Cancelled
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import hamming_histograms
from pipeline.runs.baselines import colour_report, random_report
from tests.factories import spec


def test_the_random_floor_is_the_mean_over_random_orders(shapes, own_library, rng):
    """4,000 shuffles of one query's list come within a few standard errors of the expectation."""
    report = random_report(spec(), shapes, own_library)

    assert report == random_report(spec(method="lsh", bits=8), shapes, own_library)
    n, relevant = report.n_database, 8  # of 10 images per class, 2 are queries
    is_relevant = np.arange(n) < relevant
    drawn = []
    for _ in range(4000):
        hits = rng.permutation(is_relevant)
        precision = hits.cumsum() / np.arange(1, n + 1)
        drawn.append(precision[hits].mean())
    assert report.n_query == 8
    assert report.map == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 60)


def test_all_codes_equal_is_one_tie():
    codes = HashCodes(np.zeros((3, 1), np.uint8), 1)
    labels = np.array([[True, False], [False, True], [False, True]])

    counts = hamming_histograms(codes[:1], codes, labels[:1], labels)

    assert average_precision(counts)[0] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_colours_beat_chance_on_shapes_of_a_colour_each(shapes, own_library):
    """The evaluation of the library's run has measured it already."""
    found = colour_report(spec(), shapes, own_library)

    assert found is not None
    assert found.map > random_report(spec(), shapes, own_library).map + 0.2


def test_a_missing_image_leaves_the_floor_unmeasured(own_library, caplog):
    dataset = load_dataset("shapes", own_library)
    for path in (own_library.home / "baselines").glob("colour-*"):
        path.unlink()
    assert colour_report(spec(), dataset, own_library) is None  # only looked up
    for row in range(len(dataset)):
        dataset.image_path(row).unlink()

    assert colour_report(spec(), dataset, own_library, measure=True) is None
    assert "not measured" in caplog.text


def test_colours_are_read_in_blocks_with_progress_and_can_be_stopped(shapes, own_library):
    for path in (own_library.home / "baselines").glob("colour-*"):
        path.unlink()
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        colour_report(spec(), shapes, own_library, measure=True, on_progress=stop)
    assert seen == [(40, 40)]  # fewer than a block
    assert colour_report(spec(), shapes, own_library) is None


def test_a_stored_floor_that_cannot_be_read_is_measured_again(shapes, own_library, caplog):
    before = random_report(spec(), shapes, own_library)
    [path] = (own_library.home / "baselines").glob("random-*")
    path.write_text("{", "utf-8")

    assert random_report(spec(), shapes, own_library) == before
    assert "cannot be read" in caplog.text
