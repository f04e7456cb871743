"""Growth: each size against a database built by hand, what is left out, what is stored."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from models.backbones.registry import load_backbone
from models.codes import HashCodes
from pipeline.datasets.dataset import DatasetError, load_dataset
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.relevance import NEIGHBOUR_RELEVANCES
from pipeline.features import FeatureCache
from pipeline.runs import distractors
from pipeline.runs.alternative_reports import measure_alternatives
from pipeline.runs.alternatives import ALTERNATIVES
from pipeline.runs.distractors import plan_growth, usual_growth
from pipeline.runs.ground_truth import GroundTruth
from pipeline.runs.growth import measure_growth
from pipeline.runs.growth_report import SUBSAMPLES, UNLABELLED, growth_path, stored_growth
from pipeline.runs.run import Run
from tests.factories import imported, spec, write_images


@pytest.fixture
def truth(shapes, own_library) -> GroundTruth:
    return GroundTruth(spec(), shapes, own_library)


@pytest.fixture
def cache(own_library) -> FeatureCache:
    return FeatureCache(load_backbone("tiny"), own_library)


@pytest.fixture
def others(own_library, tmp_path):
    """A data set of 80 other images."""
    imported(write_images(tmp_path / "others", per_class=20, seed=9), own_library, name="others")
    return load_dataset("others", own_library)


def test_each_size_is_a_database_with_so_many_irrelevant_images(
    truth, cache, own_library, others, done_run: Run
):
    report = measure_growth(
        truth, own_library, cache, grows_by="others", alternatives=["float32"], most=3
    )

    row, exact = report.rows
    assert [point.n_images for point in row.points] == [32, 64, 96]
    assert row.points[0].values["map"] == pytest.approx(done_run.report().map)
    [at_first] = [
        one
        for alternative, one in measure_alternatives(truth, own_library, cache).items()
        if alternative is ALTERNATIVES["float32"]
    ]
    assert exact.points[0].values["map"] == pytest.approx(at_first.map)
    growth = plan_growth(truth, own_library, cache, "others", most=3, n_images=1000)
    added = done_run.load_method().encode(torch.from_numpy(cache.get(others)[growth.rows]))
    (query, _), (database, _) = done_run.load_codes("query"), done_run.load_codes("database")
    query_labels, labels = truth.labels
    for point in row.points:
        n = point.n_images - 32
        whole = HashCodes(np.concatenate([database.packed, added[:n].packed]), database.bits)
        by_hand = evaluate(
            query,
            whole,
            query_labels,
            np.concatenate([labels, np.zeros((n, labels.shape[1]), bool)]),
            truth.protocol,
        ).report
        assert point.values["map"] == pytest.approx(by_hand.map)
        assert point.values["precision_at_10"] == pytest.approx(by_hand.value("precision_at_10"))
        assert point.intervals["map"] == pytest.approx((by_hand.ci_low, by_hand.ci_high), abs=0.02)
        assert point.search_ms > 0
    assert row.points[2].values["map"] < row.points[0].values["map"]


def test_the_report_is_kept_and_says_where_it_stops(truth, cache, own_library, others, done_run):
    report = measure_growth(
        truth, own_library, cache, grows_by="others", alternatives=["pq-4"], n_query=3, n_images=70
    )

    assert stored_growth(truth, own_library, "others") == report
    assert stored_growth(truth, own_library, SUBSAMPLES) is None
    assert (report.n_query, report.n_query_all) == (3, 8)
    assert (report.n_distractors, report.n_added) == (80, 38)
    assert "the same 3 of 8 queries" in report.sentence
    assert "grows by images of others" in report.sentence
    assert "38 are added of 80: it stops at 2.2 times" in report.sentence
    assert [row.kind for row in report.rows] == ["method"]
    assert "needs 64 principal components" in report.left_out["pq-4"]
    growth_path(truth, own_library, "others").write_text("{")
    assert stored_growth(truth, own_library, "others") is None


def test_images_that_are_known_already_are_no_distractors(
    truth, cache, own_library, image_folder, done_run, tmp_path
):
    some = shutil.copytree(image_folder, tmp_path / "some")
    shutil.rmtree(some / "dots")
    imported(some, own_library, name="twice")

    with pytest.raises(DatasetError, match="'twice' has no image that 'shapes' does not have"):
        measure_growth(truth, own_library, cache, grows_by="twice")
    with pytest.raises(DatasetError, match="'shapes' cannot be distractors of itself"):
        measure_growth(truth, own_library, cache, grows_by="shapes")
    with pytest.raises(DatasetError, match="every image of 'shapes' has a label"):
        measure_growth(truth, own_library, cache, grows_by=UNLABELLED)


def test_without_more_images_the_database_is_thinned_by_label(
    truth, cache, own_library, done_run: Run, monkeypatch
):
    """A tenth of 32 images of 4 classes is 3; a third, 10, holds 2 or 3 of each."""
    monkeypatch.setattr(distractors, "_FEWEST", 3)
    assert usual_growth(truth) == SUBSAMPLES

    report = measure_growth(truth, own_library, cache, alternatives=["signs-hamming"])

    sizes = [point.n_images for point in report.rows[0].points]
    assert sizes == [3, 10, 32]
    assert report.rows[0].points[-1].values["map"] == pytest.approx(done_run.report().map)
    assert "precision_at_10" not in report.rows[0].points[0].values  # there are but 3
    assert "is thinned, stratified by label" in report.sentence
    growth = plan_growth(truth, own_library, cache, SUBSAMPLES, most=1, n_images=100)
    shares = truth.labels[1][growth.order[:10]].sum(axis=0)
    assert shares.tolist() == [pytest.approx(2.5, abs=0.5)] * 4


def test_what_cannot_be_measured_is_refused(truth, cache, own_library):
    neighbours = GroundTruth(
        truth.spec, truth.dataset, own_library, next(iter(NEIGHBOUR_RELEVANCES))
    )
    with pytest.raises(ValueError, match="growth is measured by labels"):
        measure_growth(neighbours, own_library, cache)
    with pytest.raises(ValueError, match="unknown alternative 'floaty'"):
        measure_growth(truth, own_library, cache, alternatives=["floaty"])


def test_small_codes_of_distractors_stand_behind_those_of_the_database(
    truth, cache, own_library, others, done_run: Run
):
    """By hand: signs of centred features; all sizes but the first hold distractors."""
    report = measure_growth(
        truth, own_library, cache, grows_by="others", alternatives=["signs-hamming"], most=2
    )

    own, split = cache.get(truth.dataset), truth.split
    mean = own[split.train].mean(axis=0)
    growth = plan_growth(truth, own_library, cache, "others", most=2, n_images=1000)
    added = cache.get(others)[growth.rows]
    features = np.concatenate([own[split.database], added])
    nothing = np.zeros((len(added), 4), bool)
    by_hand = evaluate(
        HashCodes.from_relaxed(own[split.query] - mean),
        HashCodes.from_relaxed(features - mean),
        truth.labels[0],
        np.concatenate([truth.labels[1], nothing]),
        truth.protocol,
    ).report
    assert report.rows[-1].points[-1].values["map"] == pytest.approx(by_hand.map)
    assert report.rows[-1].bytes == 8


def test_runs_of_other_conditions_have_no_curve(
    truth, cache, own_library, done_run: Run, monkeypatch
):
    other = GroundTruth(spec(split_seed=3), truth.dataset, own_library)

    report = measure_growth(other, own_library, cache, alternatives=[])

    assert (report.rows, report.left_out) == ((), {})
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.runs.growth.relevance_labels", lambda *_: None)
        assert measure_growth(truth, own_library, cache, alternatives=[]).rows == ()
    (done_run.folder / "model" / "weights.safetensors").unlink()
    left_out = measure_growth(truth, own_library, cache, alternatives=[]).left_out
    assert [*left_out] == ["ITQ, 16 bits"]
