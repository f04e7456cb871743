"""Rankings of a run: a report each, with what they cost, beside the one by Hamming distance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.backbones.registry import load_backbone
from models.finetuning_config import FineTuning
from pipeline.analysis.comparisons import comparisons, comparisons_of
from pipeline.analysis.leaderboard import read_leaderboard
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.evaluate import evaluate_cosine
from pipeline.evaluation.rankings import RANKINGS
from pipeline.features import FeatureCache
from pipeline.runs.measurement import MeasurementError, evaluate_run
from pipeline.runs.rankings import rank_run
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from tests.factories import spec


@pytest.fixture
def measured(done_run, own_library):
    """Measure the run with a ranking."""
    dataset = load_dataset("shapes", own_library)
    cache = FeatureCache(load_backbone("tiny"), own_library)

    def by(ranking, relevance=""):
        return evaluate_run(
            done_run, dataset, own_library, cache, relevance=relevance, ranking=ranking
        ).report

    return by


def test_asymmetric_is_the_inner_product_of_outputs_and_stored_bits(
    done_run, own_library, measured
):
    report = measured("asymmetric")

    dataset = load_dataset("shapes", own_library)
    (_, query), (codes, database) = (done_run.load_codes(part) for part in ("query", "database"))
    features = FeatureCache(load_backbone("tiny"), own_library).get(dataset)
    relaxed = done_run.load_method().relax(torch.from_numpy(np.array(features[query]))).numpy()
    labels = dataset.labels(dataset.label_set())
    expected = evaluate_cosine(
        relaxed, codes.signs(), labels[query], labels[database], report.protocol
    ).report
    assert report.map == pytest.approx(expected.map, abs=1e-6)
    assert (report.ranking, report.bits, report.bytes_per_item) == ("asymmetric", 16, 2)
    assert report.timings["search_s"] > 0
    assert report.codes is not None


def test_rescored_reads_features_and_finds_the_neighbours(measured):
    report = measured("rescored@200")  # of 32 images: all of them

    assert report.cold_bytes_per_item == 4 * 64
    assert report.value("neighbours_at_10") == pytest.approx(1)
    assert report.value("precision_radius_2") != report.value("precision_radius_2")  # no radius


def test_reports_lie_side_by_side_and_are_boards_of_their_own(done_run, own_library, measured):
    before = done_run.report()
    asymmetric = measured("asymmetric")
    neighbours = measured("asymmetric", "neighbours@10")

    assert done_run.report() == before
    assert before.ranking == "hamming"
    assert done_run.report(ranking="asymmetric") == asymmetric
    assert done_run.report("neighbours@10", "asymmetric") == neighbours
    assert done_run.relevances == ["labels"]  # by distance
    assert len(done_run.query_aps(ranking="asymmetric")) == before.n_query
    assert [one.ranking for one in comparisons(own_library, "shapes")] == ["hamming"]
    boards = comparisons(own_library, "shapes", rankings=RANKINGS)
    assert [one.ranking for one in boards] == ["hamming", "asymmetric", "asymmetric"]
    assert "asymmetric" in boards[1].label
    assert "ranked by real-valued queries against stored bits" in boards[1].sentence
    [chosen] = comparisons_of(own_library, [done_run.id], ranking="asymmetric")
    assert chosen == boards[1]
    [missing] = comparisons_of(own_library, [done_run.id], ranking="rescored@200")
    assert missing == boards[0]
    row = read_leaderboard(own_library, boards[1]).rows.iloc[0]
    assert row["map"] == asymmetric.map
    assert row["search_ms"] == 1000 * asymmetric.timings["search_s"]


def test_what_cannot_be_ranked_is_refused_with_the_reason(done_run, measured):
    with pytest.raises(ValueError, match="unknown ranking 'cosine'"):
        measured("cosine")
    (done_run.folder / "model" / "weights.safetensors").unlink()
    with pytest.raises(MeasurementError, match="its ranking needs the features"):
        measured("asymmetric")


def test_copies_are_ranked_by_the_values_of_the_edited_images(done_run, measured):
    by_bits = measured("hamming", "copies")
    by_values, rescored = measured("asymmetric", "copies"), measured("rescored@200", "copies")

    assert by_values.n_query == rescored.n_query == by_bits.n_query != done_run.report().n_query
    assert rescored.map > by_bits.map  # an edited image is nearest to its original


def test_a_backbone_that_learned_has_no_features_to_rank_by(own_library):
    run = RunRegistry(own_library).create(spec(method="csq", finetune=FineTuning()))

    with pytest.raises(RunError, match="the backbone learned with the method"):
        rank_run(run, None, None, "asymmetric", (None, None), (None, None))
