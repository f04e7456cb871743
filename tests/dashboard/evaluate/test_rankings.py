"""The ranking on Curves, Failures and Codes: as measured, and said where it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.backbones.registry import load_backbone
from pipeline.analysis.failures import neighbours, read_failures
from pipeline.analysis.opened_run import open_measured
from pipeline.analysis.ranked_run import rank_queries
from pipeline.datasets.dataset import load_dataset
from pipeline.features import FeatureCache
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.runs.results import RunError
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, texts


def measure(home: Path, ranking: str) -> None:
    settings = Settings(home=home)
    cache = FeatureCache(load_backbone("tiny"), settings)
    for run in RunRegistry(settings).all():
        evaluate_run(run, load_dataset("shapes", settings), settings, cache, ranking=ranking)


@pytest.mark.parametrize("ranking", ["asymmetric", "rescored@200"])
def test_queries_ranked_again_are_those_of_the_report(own_home: Path, ranking: str) -> None:
    measure(own_home, ranking)
    settings = Settings(home=own_home)
    run = RunRegistry(settings).all()[0]
    opened = open_measured(run.id, load_dataset("shapes", settings), settings)

    again = rank_queries(opened, ranking, settings)

    stored = run.curves("labels", ranking)
    assert again.curves.average_precision == pytest.approx(stored.per_query_ap)
    assert again.curves.precision_at.mean(axis=0) == pytest.approx(stored.precision)
    found = read_failures(opened, again)
    assert found.facts["ap"].tolist() == pytest.approx(stored.per_query_ap.tolist())
    shown = [one.row for one in neighbours(opened, 3, found.first)]
    assert shown == opened.database_rows[again.first[3]].tolist()
    relevant = [one.is_relevant for one in neighbours(opened, 3, found.first)]
    assert found.facts["hits"][3] == pytest.approx(
        np.sum(relevant), abs=int(found.facts["n_tied"][3])
    )
    (run.folder / "model" / "weights.safetensors").unlink()
    if ranking == "asymmetric":
        with pytest.raises(RunError, match="cannot be ranked by asymmetric"):
            rank_queries(opened, ranking, settings)


@pytest.mark.parametrize(
    ("page", "params"),
    [("curves", {}), ("failures", {}), ("codes", {"view": "All codes"})],
)
def test_a_ranking_that_is_not_measured_is_said_and_measured_by_a_button(
    open_app: OpenApp, own_home: Path, page: str, params: dict[str, str]
) -> None:
    app = open_app(own_home, page, ranking="asymmetric", **params)
    assert not app.exception
    assert "is not measured by real-valued queries against stored bits yet" in texts(app)
    assert any("--ranking asymmetric" in one.value for one in app.code)

    app.button(key="measure_asymmetric").click().run()

    assert not app.exception
    assert "real-valued queries against stored bits" in texts(app)
    assert "is not measured by" not in texts(app)


def test_views_of_distances_say_so_in_another_ranking(open_app: OpenApp, own_home: Path) -> None:
    measure(own_home, "asymmetric")

    app = open_app(own_home, "curves", ranking="asymmetric", curve="PR by radius")
    assert "has no radius" in app.info[0].value
    app = open_app(own_home, "failures", ranking="asymmetric", failures_view="Hubs")
    assert "This view is by Hamming distance, whatever ranking is chosen." in texts(app)
    assert not app.exception
