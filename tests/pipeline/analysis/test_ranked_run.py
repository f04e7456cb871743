"""Rankings of a run query by query: what its report says of all of them, and the first results."""

from __future__ import annotations

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.analysis.failures import neighbours, read_failures
from pipeline.analysis.opened_run import OpenRun, open_measured
from pipeline.analysis.ranked_run import RankedRun, rank_queries
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.query_curves import query_curves
from pipeline.evaluation.ranking import ranked, unit_length
from pipeline.features import FeatureCache
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.results import RunError
from pipeline.runs.run import Run
from pipeline.settings import Settings


@pytest.fixture
def opened(done_run: Run, own_library: Settings) -> OpenRun:
    return open_measured(done_run.id, load_dataset("shapes", own_library), own_library)


@pytest.fixture
def rescored(opened: OpenRun, own_library: Settings) -> RankedRun:
    return rank_queries(opened, "rescored@200", own_library)


@pytest.mark.parametrize("ranking", ["asymmetric", "rescored@200"])
def test_the_queries_together_are_what_the_report_says(
    ranking: str, opened: OpenRun, own_library: Settings
) -> None:
    cache = FeatureCache(load_backbone("tiny"), own_library)
    report = evaluate_run(opened.run, opened.dataset, own_library, cache, ranking=ranking).report

    found = rank_queries(opened, ranking, own_library)

    assert found.curves.average_precision.mean() == pytest.approx(report.map, abs=1e-6)
    assert found.hits.mean() / 10 == pytest.approx(report.value("precision_at_10"), abs=1e-6)
    at_10 = found.curves.ranks.tolist().index(10)
    assert found.curves.precision_at[:, at_10] * 10 == pytest.approx(found.hits)
    assert not len(found.curves.radii)  # a similarity has none
    by_distance = query_curves(opened.counts()).average_precision
    assert found.curves.average_precision != pytest.approx(by_distance)


def test_the_first_results_are_the_nearest_of_the_features(
    opened: OpenRun, rescored: RankedRun, own_library: Settings
) -> None:
    features = FeatureCache(load_backbone("tiny"), own_library).get(opened.dataset)
    database = features[opened.database_rows]
    mean = database.mean(axis=0)
    cosines = unit_length(features[opened.query_rows] - mean) @ unit_length(database - mean).T

    expected = -np.sort(-cosines, axis=1)[:, :10]  # the 32 images are all rescored
    assert np.take_along_axis(cosines, rescored.first, 1) == pytest.approx(expected, abs=1e-5)


def test_failures_are_of_the_ranking_and_distances_of_the_codes(
    opened: OpenRun, rescored: RankedRun
) -> None:
    plain, other = read_failures(opened), read_failures(opened, rescored)

    assert other.facts["ap"].tolist() == rescored.curves.average_precision.tolist()
    assert other.facts["nearest"].tolist() == plain.facts["nearest"].tolist()
    shown = neighbours(opened, 0, other.first)
    labels = [opened.query_labels[0] & opened.labels[one.row] for one in shown]
    assert [one.is_relevant for one in shown] == [bool(one.any()) for one in labels]
    places = [opened.place_of[one.row] for one in shown]
    assert places == rescored.first[0].tolist()
    distances = opened.query_codes[0].hamming(opened.database_codes[places])[0]
    assert [one.distance for one in shown] == distances.tolist()
    by_distance, _ = ranked(opened.query_codes, opened.database_codes, 10)
    assert places != by_distance[0].tolist()
    wrong = sum(not one.is_relevant for one in shown)
    assert other.wrong[0].sum() == wrong  # one label per image


def test_a_run_whose_model_is_gone_is_not_ranked_by_its_outputs(
    opened: OpenRun, own_library: Settings
) -> None:
    (opened.run.folder / "model" / "weights.safetensors").unlink()

    with pytest.raises(RunError, match=f"run {opened.id} cannot be ranked by asymmetric: "):
        rank_queries(opened, "asymmetric", own_library)
