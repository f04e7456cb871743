"""Copies: which images are drawn and edited, and that their features are computed once."""

from __future__ import annotations

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import RetrievalDataset, load_dataset
from pipeline.edits import ALL_SIZES, edited
from pipeline.images import ImageError
from pipeline.runs.copies import CODES, Copies, copy_features, draw_copies, encoded_copies
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings


@pytest.fixture
def shapes(own_library: Settings) -> RetrievalDataset:
    """A copy whose images a test may delete."""
    return load_dataset("shapes", own_library)


def test_every_original_is_drawn_once_and_the_edits_take_turns(shapes: RetrievalDataset) -> None:
    database = np.arange(3, len(shapes))

    copies = draw_copies(shapes, database)

    assert sorted(copies.rows.tolist()) == database.tolist()
    assert copies.edits.tolist() == [n % len(ALL_SIZES) for n in range(len(database))]
    again = draw_copies(shapes, database)
    assert np.array_equal(again.rows, copies.rows)


def test_images_that_the_database_holds_twice_are_not_drawn(
    shapes: RetrievalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = shapes.pixel_keys().copy()
    keys[5] = keys[2]
    monkeypatch.setattr(RetrievalDataset, "pixel_keys", lambda _, rows: keys[rows])

    drawn = draw_copies(shapes, np.arange(8))

    assert sorted(drawn.rows.tolist()) == [0, 1, 3, 4, 6, 7]


def test_places_and_labels_point_at_the_originals_in_a_database_of_any_order() -> None:
    database = np.array([9, 2, 7, 4])
    copies = Copies(np.array([7, 9]), np.array([0, 1]))

    queries, items = copies.labels(database)

    assert copies.places(database).tolist() == [2, 0]
    assert (queries @ items.T).tolist() == [
        [False, False, True, False],
        [True, False, False, False],
    ]


def test_features_are_those_of_edited_images_and_are_computed_once(
    shapes: RetrievalDataset, own_library: Settings
) -> None:
    backbone, database = load_backbone("tiny"), np.arange(10)

    copies, features = copy_features(shapes, database, backbone, own_library, "tiny-x")

    image = edited(shapes.load_image(int(copies.rows[3])), int(copies.edits[3]))
    assert features[3] == pytest.approx(backbone.embed([image]).numpy()[0], abs=1e-5)
    for row in database.tolist():
        shapes.image_path(row).unlink()
    known, again = copy_features(shapes, database, backbone, own_library, "tiny-x")
    assert np.array_equal(again, features)
    assert np.array_equal(known.edits, copies.edits)


def test_damaged_features_are_computed_again_and_the_log_says_so(
    shapes: RetrievalDataset, own_library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    backbone, database = load_backbone("tiny"), np.arange(10)
    before = set((own_library.home / "baselines").iterdir())
    _, features = copy_features(shapes, database, backbone, own_library, "tiny-x")
    (path,) = set((own_library.home / "baselines").iterdir()) - before
    path.write_bytes(path.read_bytes()[:100])

    _, again = copy_features(shapes, database, backbone, own_library, "tiny-x")

    assert np.array_equal(again, features)
    assert str(path) in caplog.text


def test_images_that_cannot_be_read_are_left_out_with_their_edits(
    shapes: RetrievalDataset, own_library: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    database = np.arange(10)
    drawn = draw_copies(shapes, database)
    shapes.image_path(int(drawn.rows[0])).unlink()

    copies, features = copy_features(shapes, database, load_backbone("tiny"), own_library, "")

    assert copies.rows.tolist() == drawn.rows[1:].tolist()
    assert copies.edits.tolist() == drawn.edits[1:].tolist()
    assert len(features) == 9
    assert "no copy to search with" in caplog.text


def test_without_any_image_the_error_counts_them(
    shapes: RetrievalDataset, own_library: Settings
) -> None:
    for row in range(4):
        shapes.image_path(row).unlink()

    with pytest.raises(ImageError, match="none of the 4 database images"):
        copy_features(shapes, np.arange(4), load_backbone("tiny"), own_library, "")


def test_codes_of_a_run_come_with_their_edits_and_others_are_refused(
    done_run: Run, shapes: RetrievalDataset
) -> None:
    _, database = done_run.load_codes("database")

    copies, codes = encoded_copies(done_run, shapes, database)

    assert len(copies) == len(codes) == len(database)
    assert np.array_equal(copies.edits, draw_copies(shapes, database).edits)

    queries, rows = done_run.load_codes("query")
    done_run.save_codes(CODES, queries, rows)
    with pytest.raises(RunError, match="copies of other images"):
        encoded_copies(done_run, shapes, database)
