"""Copies found by cosine and by perceptual hash: as computed by hand, kept, and read again."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest

from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.edits import edited
from pipeline.evaluation.relevance import COPIES
from pipeline.runs.baselines import cosine_report, phash_report, random_report
from pipeline.runs.copy_baselines import (
    COSINE,
    PHASH,
    copies_by_cosine,
    copies_by_hash,
    copy_values,
)
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.run import Run
from pipeline.settings import Settings
from tests.factories import cache_of


@pytest.fixture
def shapes(own_library: Settings) -> RetrievalDataset:
    """A copy whose images a test may delete."""
    return load_dataset("shapes", own_library)


def truth_of(run: Run, dataset: RetrievalDataset, settings: Settings) -> GroundTruth:
    return GroundTruth(run.spec, dataset, settings, COPIES)


def test_the_hash_finds_what_the_package_says_it_finds(
    done_run: Run, shapes: RetrievalDataset, own_library: Settings
) -> None:
    truth = truth_of(done_run, shapes, own_library)
    known = copy_values(truth, own_library, PHASH)
    assert known is not None
    database, copies = truth.split.database, known.copies

    hashes = np.array([imagehash.phash(shapes.load_image(int(row))).hash for row in database])
    for place in range(6):
        image = shapes.load_image(int(copies.rows[place]))
        query = imagehash.phash(edited(image, int(copies.edits[place]))).hash
        distance = (hashes != query).sum(axis=(1, 2))
        own = distance[copies.places(database)[place]]
        nearer, tied = (distance < own).sum(), (distance == own).sum()
        assert known.values["first_relevant"][place] == pytest.approx(nearer + (tied + 1) / 2)


def test_cosine_finds_the_nearest_by_centred_features(
    done_run: Run, shapes: RetrievalDataset, own_library: Settings
) -> None:
    truth = truth_of(done_run, shapes, own_library)
    known, report = (
        copy_values(truth, own_library, COSINE),
        cosine_report(done_run.spec, shapes, own_library, relevance=COPIES),
    )

    assert known is not None
    assert report is not None
    assert report.value("recall_at_1") == pytest.approx(known.values["recall_at_1"].mean())
    random = random_report(done_run.spec, shapes, own_library, COPIES)
    assert random.value("recall_at_1") == pytest.approx(1 / len(truth.split.database))
    assert report.map > 3 * random.map


def test_they_are_measured_once_and_only_when_asked(
    done_run: Run, shapes: RetrievalDataset, own_library: Settings
) -> None:
    truth, baselines = truth_of(done_run, shapes, own_library), own_library.home / "baselines"
    stored = phash_report(done_run.spec, shapes, own_library)
    for path in [*baselines.glob("phash-*"), *baselines.glob("cosine-*")]:
        path.unlink()

    assert phash_report(done_run.spec, shapes, own_library) is None
    assert copies_by_cosine(truth, own_library, None) is None
    assert copies_by_hash(truth, own_library, measure=True) == stored
    assert copies_by_cosine(truth, own_library, cache_of(done_run, own_library)) is not None
    for row in range(len(shapes)):
        shapes.image_path(row).unlink()
    assert copies_by_hash(truth, own_library, measure=True) == stored


def test_unreadable_images_leave_the_hash_unmeasured_and_damaged_values_unknown(
    done_run: Run,
    shapes: RetrievalDataset,
    own_library: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    truth, baselines = truth_of(done_run, shapes, own_library), own_library.home / "baselines"
    for path in [*baselines.glob("phash-*")]:
        path.unlink()
    for path in baselines.glob("copies-*"):
        path.write_bytes(b"PK")
    shapes.image_path(int(truth.split.database[0])).unlink()

    assert copies_by_hash(truth, own_library, measure=True) is None
    assert "the baseline phash is not measured" in caplog.text
    assert copy_values(truth, own_library, PHASH) is None
    assert "cannot be read" in caplog.text
