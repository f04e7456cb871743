"""The pages that analyse runs, in process: normal, unhappy, and what a click leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.evaluate import failures_parts
from pipeline.analysis.comparisons import comparisons
from pipeline.analysis.leaderboard import read_leaderboard
from pipeline.analysis.leaderboard_cards import cards, failed_checks
from pipeline.annotations.verdicts import Verdicts
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts

PAGES = ("curves", "failures", "codes", "judge", "advisor", "report")


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_library_says_what_is_missing(open_app: OpenApp, tmp_path: Path, page: str):
    app = open_app(tmp_path / "nothing", page)

    assert not app.exception
    assert app.subheader[0].value == "The library is empty"


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("leaderboard", {"view": "Heat table"}),
        ("leaderboard", {"view": "Trade-offs"}),
        ("curves", {}),
        ("curves", {"curve": "Precision within radius"}),
        ("curves", {"curve": "Training"}),
        ("curves", {"curve": "Training", "loss": "Value, logarithmic"}),
        ("curves", {"curve": "Training", "loss": "Terms"}),
        ("failures", {}),
        ("failures", {"failures_view": "Confusion"}),
        ("failures", {"failures_view": "Robustness"}),
        ("failures", {"worst_by": "Biggest drop"}),
        ("codes", {"view": "All codes"}),
        ("codes", {"view": "All codes", "codes_view": "Hash lookup"}),
        ("codes", {"view": "All codes", "codes_view": "Bits kept"}),
        ("codes", {"view": "All codes", "codes_view": "Code map"}),
        ("codes", {"view": "All codes", "codes_view": "Drift"}),
        ("advisor", {}),
        ("report", {}),
    ],
)
def test_every_view_opens(open_app: OpenApp, shared_home: Path, page: str, parameters: dict):
    app = open_app(shared_home, page, **parameters)
    for name, value in parameters.items():  # a page's own parameters are given on the page
        app.get_by_key(name).set_value(value).run()

    assert not app.exception
    assert not app.error


def test_the_leaderboard_says_how_rows_stand_and_shows_floors(open_app: OpenApp, shared_home: Path):
    table = open_app(shared_home, "leaderboard").dataframe[0].value

    assert table["vs. best"].tolist()[0] == "best"
    assert "random order" in table["Model"].tolist()
    assert "colours alone" in table["Model"].tolist()
    assert {"Success within 2 bits", "Encoding (µs)", "Search (ms)", "Bytes per image"} <= set(
        table.columns
    )


def test_cards_say_what_is_best_fastest_smallest_and_failing(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "leaderboard")
    shown = {one.label: one.value for one in app.metric}
    table = app.dataframe[0].value

    assert shown["Best mAP"] == f"{table['mAP'][0]:.1f} %"
    assert shown["Smallest good code"].endswith("bytes")
    n_failing = sum(words != "pass" for words in table["Checks"][:2])
    assert shown["Failing checks"] == f"{n_failing} of 2"


def test_rows_with_dead_bits_or_below_a_floor_fail(settings: Settings):
    (comparison,) = comparisons(settings, "shapes")
    board = read_leaderboard(settings, comparison)
    rows = board.rows.assign(dead_bits=[0, 2])
    baselines = board.baselines.assign(map=[0.0, board.rows["low"].max()])

    below = f"no better than {baselines['name'][1]}"
    assert failed_checks(rows, baselines) == [below, f"2 dead bits, {below}"]
    assert cards(rows, baselines)[-1].value == "2 of 2"


def test_the_tray_compares_ticked_rows_and_leads_on(shared_home: Path, open_app: OpenApp):
    def page() -> None:
        from dashboard import cached
        from dashboard.evaluate import leaderboard_compare

        (comparison,) = cached.runs.boards("shapes")
        leaderboard_compare.show(cached.runs.board(comparison).rows, comparison)

    open_app(shared_home, "leaderboard")  # sets the library
    app = AppTest.from_function(page, default_timeout=60).run()

    assert not app.exception
    measures, asked = (table.value for table in app.dataframe)
    first, second = (float(cell.split()[0]) for cell in measures.iloc[0, 1:])
    assert measures.iloc[0, 2].endswith(f"({second - first:+.1f})")
    assert {"method", "bits"} <= set(asked["Setting"])
    assert {"Open curves", "Open compare", "Add to report"} == {one.label for one in app.button}


def test_a_run_without_codes_is_explained(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        (run.folder / "codes" / "query.npz").unlink()

    for page in ("failures", "codes"):
        app = open_app(own_home, page)
        assert not app.exception
        assert "codes/query.npz is missing" in texts(app)
    assert "cannot be read" in texts(open_app(own_home, "curves"))


def test_a_link_to_failures_names_the_query(open_app: OpenApp, own_home: Path):
    def linked(app: AppTest) -> str:
        return "".join(app.query_params["failure"])

    run = RunRegistry(Settings(home=own_home)).all()[0]
    rows = [str(row) for row in run.load_codes("query")[1]]
    app = open_app(own_home, "failures").run()
    worst = linked(app)
    other = next(row for row in rows if row != worst)

    chosen = open_app(own_home, "failures", failure=other)
    gone = open_app(own_home, "failures", failure="x")

    assert worst in rows
    assert app.session_state["failure"] == ""  # another order may have another worst one
    assert (linked(chosen), chosen.session_state["failure"]) == (other, other)
    assert texts(chosen) != texts(app)
    assert "not among these" in gone.info[0].value
    assert linked(gone) == worst


def test_a_review_is_stored_counts_and_can_be_taken_back(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home)
    app = open_app(own_home, "failures")
    app.get_by_key("failures_view").set_value("Review").run()
    app.get_by_key("review_note").set_value("looks odd").run()
    next(one for one in app.button if one.label == "Label error").click().run()

    assert not app.exception
    said = Verdicts.of("shapes", "class", settings).table()
    assert said["verdict"].tolist() == ["label error"]
    assert said["note"].tolist() == ["looks odd"]
    assert "1 label error" in texts(app)

    again = open_app(own_home, "failures")  # another tab, another day
    again.get_by_key("failures_view").set_value("Review").run()
    next(one for one in again.button if one.label.startswith("Undo the last")).click().run()
    assert Verdicts.of("shapes", "class", settings).table().empty


def test_the_advisor_says_so_when_nothing_fits_and_what_was_not_tried(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "advisor")
    assert "python -m pipeline bench --dataset shapes" in app.code[0].value

    app.get_by_key("a_mb").set_value(0.1).run()

    assert not app.exception
    assert "meets all limits" in texts(app)


def test_every_field_of_the_scenario_is_in_the_address(open_app: OpenApp, shared_home: Path):
    asked = {"a_now": 500, "a_later": 5000, "a_speed": 4.0, "a_ms": 7.0, "a_mb": 3.0, "a_s": 9.0}
    app = open_app(shared_home, "advisor")
    app.get_by_key("a_labels").set_value("None")
    for name, value in asked.items():
        app.get_by_key(name).set_value(value)
    app.run()

    assert not app.exception
    for name in (*asked, "a_labels"):
        assert app.get_by_key(name).proto.query_param_key == name
    assert "divided by 4, as you set" in app.dataframe[0].value["Why"][0]


def test_what_is_advised_is_searched_with_and_what_is_untried_set_up_for_training(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "advisor")
    assert app.subheader[0].value == "LSH\\, 8 bits"
    button(app, "Search with it").click().run()
    assert not app.exception
    assert app.title[0].value == "Search"
    assert app.get_by_key("run").value.startswith("lsh-8b")

    app = open_app(shared_home, "advisor")
    untried = next(text.value for text in app.markdown if "no figures until" in text.value)
    app.get_by_key("train_untried").click().run()
    assert not app.exception
    assert app.title[0].value == "Train"
    ticked = [
        box.key.removeprefix("method_")
        for box in app.checkbox
        if box.value and str(box.key).startswith("method_")
    ]
    assert ticked
    assert all(name in untried for name in ticked)
    assert app.get_by_key("bits").value == [8, 12]


def test_near_duplicates_of_a_failure_are_shown_as_pairs(
    open_app: OpenApp, shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    assert "Looks alike" not in texts(open_app(shared_home, "failures"))
    monkeypatch.setattr(
        failures_parts, "look_alikes", lambda run, place, found: [hit.row for hit in found[:3]]
    )
    app = open_app(shared_home, "failures")

    assert not app.exception
    assert texts(app).count("Looks alike, other label") == 3
    assert app.expander[0].label == "1 more pair"


@pytest.mark.parametrize("linked", ["Several an image", "Several per image"])
def test_labels_of_a_scenario_are_understood_in_every_spelling(
    open_app: OpenApp, shared_home: Path, linked: str
):
    app = open_app(shared_home, "advisor", a_labels=linked)

    assert not app.exception
    assert app.selectbox(key="a_labels").value == "Several per image"
