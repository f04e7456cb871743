"""Robustness of a run under edits of images, as analysis, chart and view."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cached
from dashboard.charts.robustness import robustness as chart
from pipeline.analysis import robustness
from pipeline.analysis.opened_run import OpenRun, open_run
from pipeline.analysis.robustness import FLIPPED, KEPT, NEAREST, Robustness
from pipeline.edits import ALL_SIZES
from pipeline.evaluation.relevance import COPIES
from pipeline.runs.copies import Copies
from pipeline.runs.copy_baselines import VALUES
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, published_run, texts


@pytest.fixture
def opened(shared_home: Path, settings: Settings) -> OpenRun:
    return open_run(published_run(shared_home).id, settings)


def test_a_copy_counts_its_flipped_bits_and_the_images_that_stay(opened: OpenRun):
    found = robustness.robustness(opened, "ITQ")

    codes, rows = opened.run.load_codes("copies-1")
    signs, database = codes.signs(), opened.database_codes.signs()
    for place in (0, 5, 11):
        own = opened.place_of[int(rows[place])]
        assert found.values[FLIPPED][place] == (signs[place] != database[own]).mean()
        nearest = []
        for query in (database[own], signs[place]):
            order = np.argsort((database != query).sum(axis=1), kind="stable")[: NEAREST + 1]
            nearest.append([one for one in order if one != own][:NEAREST])
        kept = len(set(nearest[0]) & set(nearest[1])) / len(nearest[0])
        assert found.values[KEPT][place] == pytest.approx(kept)
    report = opened.run.report(COPIES)
    for name in VALUES:
        assert found.values[name].mean() == pytest.approx(report.value(name))


def measured(label: str, flipped: list[float], rows: tuple[int, ...] = (4, 7)) -> Robustness:
    """Two copies: one rotated by 5°, one mirrored."""
    values = {name: np.array(flipped) for name in (FLIPPED, KEPT, *VALUES)}
    return Robustness(label, Copies(np.array(rows), np.array([0, len(ALL_SIZES) - 1])), values)


def test_the_table_has_means_and_intervals_by_edit():
    table = robustness.table([measured("A", [0.1, 0.3])], FLIPPED)

    assert table["change"].tolist() == ["Rotated by 5°", "Mirrored"]
    assert table["mean"].to_numpy() == pytest.approx([10, 30])
    assert (table["low"] <= table["mean"]).all()


def test_the_table_of_what_is_found_has_all_edits_first_and_a_column_a_ranking():
    table = robustness.found_table([measured("A", [0.1, 0.3]), measured("cosine", [1, 0.5])])

    assert table["Edit"].tolist() == ["All edits", "Rotated by 5°", "Mirrored"]
    assert table["Copies"].tolist() == [2, 1, 1]
    assert table["A: R@1 %"].to_numpy() == pytest.approx([20, 10, 30])
    assert table["cosine: First relevant"].to_numpy() == pytest.approx([0.75, 1, 0.5])


def test_runs_are_compared_on_the_copies_of_both():
    a, b = measured("A", [0.1, 0.3]), measured("B", [0.2, 0.4])

    assert "B minus A, on 2 copies of both: +10.0 points (+10.0 to +10.0)" in (
        robustness.difference(a, b)
    )
    elsewhere = measured("C", [0.2, 0.4], (8, 9))
    assert "other databases" in robustness.difference(a, elsewhere)


def test_the_chart_has_a_row_a_change_and_a_legend_only_for_two_runs():
    rows = robustness.table([measured("A", [0.1, 0.3]), measured("B", [0.2, 0.4])], KEPT)

    rule, point = (layer["encoding"] for layer in chart(rows, "Kept (%)").to_dict()["layer"])
    alone = chart(rows[rows["run"] == "A"], "Kept (%)").to_dict()["layer"][1]["encoding"]

    assert (rule["x"]["field"], rule["x2"]["field"], point["x"]["field"]) == ("low", "high", "mean")
    assert point["y"]["sort"] is None  # the order of the rows
    assert point["shape"]["scale"]["domain"] == ["A", "B"]
    assert point["color"]["legend"]
    assert alone["color"]["legend"] is None


def test_what_a_run_was_measured_on_is_shown_at_once(open_app: OpenApp, own_home: Path):
    app = failures_in(open_app, own_home)

    assert "an edit flips" in texts(app)
    assert "Measure" not in [one.label for one in app.button]
    assert len(app.get("vega_lite_chart")) == 2
    columns = app.dataframe[0].value.columns
    assert [name for name in columns if name.startswith("perceptual hash")]


def test_a_run_of_an_earlier_version_is_measured_on_demand(open_app: OpenApp, own_home: Path):
    run = published_run(own_home)
    (run.folder / "report-copies.json").unlink()
    app = failures_in(open_app, own_home)
    assert "not measured on copies yet" in texts(app)

    app.button(key="measure_copies").click().run()

    assert not app.exception
    assert "an edit flips" in texts(app)
    assert COPIES in RunRegistry(Settings(home=own_home)).open(run.id).all_relevances


@pytest.mark.parametrize("name", ["report-copies.json", "codes/copies-1.npz"])
def test_what_is_damaged_is_named_and_measured_again(open_app: OpenApp, own_home: Path, name: str):
    path = published_run(own_home).folder / name
    path.write_bytes(path.read_bytes()[:30])
    app = failures_in(open_app, own_home)

    assert not app.exception
    assert "is damaged" in app.warning[0].value
    app.button(key="measure_copies").click().run()
    assert not app.exception
    assert "an edit flips" in texts(app)
    assert not app.warning


def test_a_second_run_stands_beside(open_app: OpenApp, own_home: Path):
    app = failures_in(open_app, own_home)
    (lsh,) = (one for one in app.selectbox(key="beside").options if one.startswith("LSH"))
    slug = next(one.slug for one in cached.library.runs("shapes") if one.label == lsh)

    app.selectbox(key="beside").set_value(slug).run()

    assert not app.exception
    assert "points (" in texts(app)
    assert app.query_params["beside"] in (slug, [slug])


def test_a_run_that_cannot_encode_says_so(open_app: OpenApp, own_home: Path):
    run = published_run(own_home)
    (run.folder / "report-copies.json").unlink()
    shutil.rmtree(run.folder / "model")
    app = failures_in(open_app, own_home)

    app.button(key="measure_copies").click().run()

    assert not app.exception
    assert re.fullmatch(r"ITQ · \d+ bits cannot encode images\.", app.error[0].proto.title)


def failures_in(open_app: OpenApp, home: Path) -> AppTest:
    app = open_app(home, "failures")
    return app.get_by_key("failures_view").set_value("Robustness").run()
