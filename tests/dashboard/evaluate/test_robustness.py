"""Robustness of a run under small changes of its query images, as service, chart and view."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import cached
from dashboard.charts.robustness import robustness as chart
from models.codes import HashCodes
from pipeline.analysis import robustness, single_bits
from pipeline.analysis.opened_run import OpenRun, open_run
from pipeline.analysis.perturbations import change_names
from pipeline.analysis.robustness import NEAREST, Robustness
from pipeline.images import ImageError
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, published_run, texts

N_CHANGES = 24


@pytest.fixture
def opened(shared_home: Path, settings: Settings) -> OpenRun:
    return open_run(published_run(shared_home).id, settings)


def test_a_change_counts_its_flipped_bits_and_the_images_that_stay(opened: OpenRun):
    """The place of a change says how many bits it flips; the query is no result of its own."""
    codes, rows = opened.database_codes[:3], opened.database_rows[:3]
    opened = replace(opened, query_codes=codes, query_rows=rows)
    row = int(opened.query_rows[2])
    signs = opened.query_codes.signs()[2]

    turned = np.tile(signs, (N_CHANGES, 1))
    for place in range(N_CHANGES):
        turned[place, : min(place, opened.bits)] *= -1

    found = robustness.steadiness(opened, row, HashCodes.from_relaxed(turned))

    flips = [min(place, opened.bits) for place in range(N_CHANGES)]
    assert found[0] * opened.bits == pytest.approx(flips)
    code = opened.query_codes[[2]]
    kept = [
        single_bits.changed(opened, code, row, flipped=range(1, n + 1), k=NEAREST).overlap
        for n in flips
    ]
    assert found[1] * NEAREST == pytest.approx(kept)
    assert found[1][0] == 1
    for n, first, ten in zip(flips, found[2], found[3], strict=True):
        place = flips.index(n)
        distances = [int((one != turned[place]).sum()) for one in opened.database_codes.signs()]
        others = [d for d, one in zip(distances, opened.database_rows, strict=True) if one != row]
        nearer, tied = sum(d < n for d in others), sum(d == n for d in others) + 1
        orders = [nearer + rank for rank in range(tied)]  # each rank of the original as likely
        assert first == pytest.approx(np.mean([rank < 1 for rank in orders]))
        assert ten == pytest.approx(np.mean([rank < 10 for rank in orders]))


def test_images_that_cannot_be_read_are_left_out_and_counted(opened: OpenRun):
    wanted = robustness.sample(opened)
    assert set(wanted) <= set(opened.query_rows.tolist())

    def steady(row: int) -> np.ndarray:
        if row in wanted[:2]:
            raise ImageError("gone")
        return np.full((4, N_CHANGES), wanted.index(row) / 100)

    steps: list[tuple[int, int]] = []
    found = robustness.measure(opened, "ITQ", steady, lambda *step: steps.append(step))

    assert found.missing == tuple(wanted[:2])
    assert found.rows == tuple(wanted[2:])
    assert found.values[:, 0, 0] == pytest.approx(np.arange(2, len(wanted)) / 100)
    assert steps == [(done, len(wanted)) for done in range(len(wanted))]


def measured(label: str, flipped: list[float]) -> Robustness:
    values = np.repeat(np.array(flipped)[:, None, None], 4, axis=1)
    return Robustness(label, (4, 7), np.repeat(values, N_CHANGES, axis=2), ())


def test_the_table_has_means_and_intervals_from_light_to_strong():
    table = robustness.table([measured("A", [0.1, 0.3])])

    first = table[table["measure"] == "flipped"]
    assert first["change"].tolist()[:3] == [change_names(strength)[0] for strength in range(3)]
    assert first["strength"].tolist()[:3] == ["Light", "Medium", "Strong"]
    assert first["mean"].to_numpy() == pytest.approx(20)
    assert (first["low"].iloc[0], first["high"].iloc[0]) == pytest.approx((10, 30))


def test_runs_are_compared_on_the_images_of_both():
    a, b = measured("A", [0.1, 0.3]), measured("B", [0.2, 0.4])

    assert "B minus A, on 2 images of both: +10.0 points (+10.0 to +10.0)" in (
        robustness.difference(a, b)
    )
    elsewhere = Robustness("C", (8, 9), b.values, ())
    assert "other query images" in robustness.difference(a, elsewhere)


def test_the_chart_has_a_row_a_change_and_a_legend_only_for_two_runs():
    table = robustness.table([measured("A", [0.1, 0.3]), measured("B", [0.2, 0.4])])
    rows = table[table["measure"] == "kept"]

    rule, point = (layer["encoding"] for layer in chart(rows, "Kept (%)").to_dict()["layer"])
    alone = chart(rows[rows["run"] == "A"], "Kept (%)").to_dict()["layer"][1]["encoding"]

    assert (rule["x"]["field"], rule["x2"]["field"], point["x"]["field"]) == ("low", "high", "mean")
    assert point["y"]["sort"] is None  # the order of the rows
    assert point["shape"]["scale"]["domain"] == ["A", "B"]
    assert point["color"]["legend"]
    assert alone["color"]["legend"] is None


def test_robustness_is_measured_on_demand_and_kept(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    app = failures_in(open_app, own_home)
    assert "a change flips" not in texts(app)

    app.button[0].click().run()

    assert not app.exception
    assert not app.error
    assert "a change flips" in texts(app)
    assert "Measure" not in [one.label for one in app.button]
    shown = app.get("vega_lite_chart")
    assert len(shown) == len(robustness.MEASURES)

    def never(*_: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(robustness, "all_altered", never)
    again = failures_in(open_app, own_home)  # another tab
    again.button[0].click().run()
    assert not again.exception
    assert "a change flips" in texts(again)


def test_a_second_run_stands_beside_and_unreadable_images_are_counted(
    open_app: OpenApp, own_home: Path
):
    settings = Settings(home=own_home)
    opened = open_run(published_run(own_home).id, settings)
    for row in robustness.sample(opened)[:2]:
        opened.dataset.image_path(row).unlink()
    app = failures_in(open_app, own_home)
    (lsh,) = (one for one in app.selectbox(key="beside").options if one.startswith("LSH"))
    slug = next(one.slug for one in cached.library.runs("shapes") if one.label == lsh)
    app.selectbox(key="beside").set_value(slug).run()

    app.button[0].click().run()

    assert not app.exception
    assert "points (" in texts(app)
    assert "2 images could not be read" in texts(app)
    assert app.query_params["beside"] in (slug, [slug])


def test_a_run_that_cannot_encode_says_so(open_app: OpenApp, own_home: Path):
    shutil.rmtree(published_run(own_home).folder / "model")
    app = failures_in(open_app, own_home)

    app.button[0].click().run()

    assert not app.exception
    assert re.fullmatch(r"ITQ · \d+ bits cannot encode images\.", app.error[0].proto.title)


def failures_in(open_app: OpenApp, home: Path) -> AppTest:
    app = open_app(home, "failures")
    return app.get_by_key("failures_view").set_value("Robustness").run()
