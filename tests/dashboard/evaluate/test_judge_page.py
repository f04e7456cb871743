"""Judge, in process: a round from its start to its result, resumed, joined, and unhappy paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.analysis.judging import judge, verdicts_of
from pipeline.analysis.judging_rounds import JudgingRound, list_rounds, start_round
from pipeline.annotations.verdicts import Word
from pipeline.datasets.dataset import load_dataset
from pipeline.deletions import delete_dataset
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, texts

NAMES = ("ITQ", "LSH")


@pytest.fixture
def own(own_home: Path) -> Settings:
    return Settings(home=own_home, threads=1)


@pytest.fixture
def judged(own: Settings) -> JudgingRound:
    runs = [run.id for run in RunRegistry(own).all()]
    return start_round(load_dataset("shapes", own), runs, own, n_queries=2, seed=1)


def answer_all(judged: JudgingRound, name: str, settings: Settings, answer: Word) -> None:
    for pair in judged.pairs:
        judge(judged, name, pair, answer, settings)


def progress(app: AppTest) -> str:
    assert not app.exception
    [bar] = app.get("progress")
    return str(bar.proto.text)


def test_a_round_is_started_judged_cut_off_resumed_and_measured(
    open_app: OpenApp, own_home: Path, own: Settings
):
    app = open_app(own_home, "judge")
    app.number_input[0].set_value(2)
    next(one for one in app.text_input if one.label == "Your name").set_value("Ann")
    button(app, "Start the round").click().run()
    [judged] = list_rounds("shapes", own)
    n = len(judged.pairs)
    assert progress(app) == f"0 of {n} results judged · 0 of 2 queries done"
    for name in NAMES:  # blind: only the sidebar names a run
        assert not any(name in text for text in (texts(app), str(app.main)))
    button(app, "Relevant").click().run()
    button(app, "Not relevant").click().run()
    button(app, "Undo").click().run()
    assert progress(app).startswith(f"1 of {n} ")

    again = open_app(own_home, "judge", round=judged.id, judge="Ann")  # another day
    assert progress(again).startswith(f"1 of {n} ")
    for _ in range(n - 1):
        button(again, "Unsure").click().run()
    assert f"1 relevant, 0 not relevant, {n - 1} unsure" in again.success[0].value

    button(again, "See the result").click().run()
    assert not again.exception
    assert "judged by 1 person" in texts(again)
    assert f"counted as not relevant: {n - 1}" in texts(again)
    assert "what no run found is unknown" in texts(again)
    shown = again.dataframe[0].value
    assert [name.split(" ")[0] for name in shown["Run"]] == list(NAMES)


def test_another_judge_joins_by_a_link_and_agreement_is_shown(
    open_app: OpenApp, own_home: Path, own: Settings, judged: JudgingRound
):
    answer_all(judged, "Ann", own, "relevant")
    app = open_app(own_home, "judge", round=judged.id)
    button(app, "Start judging").click().run()
    assert app.error[0].value == "Type your name first."
    next(one for one in app.text_input if one.label == "Your name").set_value("ANN")
    button(app, "Start judging").click().run()
    assert "You have judged all" in app.success[0].value  # the same person

    answer_all(judged, "Bob", own, "not relevant")
    result = open_app(own_home, "judge", round=judged.id, judge_view="result")
    table = result.dataframe[2].value
    assert table.iloc[0][["First", "Second", "Same %"]].tolist() == ["Ann", "Bob", 0]
    assert "Queries in dispute" in [one.value for one in result.subheader]
    button(result, "All rounds").click().run()
    assert f"Ann {len(judged.pairs)} of {len(judged.pairs)}" in texts(result)


def test_a_judge_with_something_left_sees_no_pictures_of_the_result(
    open_app: OpenApp, own_home: Path, own: Settings, judged: JudgingRound
):
    answer_all(judged, "Ann", own, "relevant")

    app = open_app(own_home, "judge", round=judged.id, judge="Bob", judge_view="result")

    assert "until then the pictures stay hidden" in texts(app)
    assert not app.get("bidi_component")
    button(app, "Resume judging").click().run()
    assert progress(app).startswith("0 of")


def test_a_result_without_judgements_has_no_figures(
    open_app: OpenApp, own_home: Path, judged: JudgingRound
):
    app = open_app(own_home, "judge", round=judged.id, judge_view="result")

    assert not app.exception
    assert "No query is completely judged yet." in texts(app)
    assert not app.dataframe


def test_what_is_gone_or_damaged_is_said(
    open_app: OpenApp, own_home: Path, own: Settings, judged: JudgingRound
):
    (own_home / "judging" / "shapes" / "0badf00d.json").write_text("{")
    registry = RunRegistry(own)
    registry.delete(registry.open(judged.runs[0].id))

    app = open_app(own_home, "judge", round=judged.id, judge="Ann")
    assert "1 of the 2 runs was deleted" in app.info[0].value
    assert progress(app).startswith("0 of")
    button(app, "Relevant").click().run()
    assert verdicts_of(judged, own)["Ann"]

    listed = open_app(own_home, "judge", round="0badf00d")
    assert "was deleted, or is of another data set" in listed.info[0].value
    assert "0badf00d.json" in listed.error[0].value.replace("\\", "")
    assert "there is 1" in listed.info[1].value  # run left


def test_a_round_that_cannot_be_started_says_why(open_app: OpenApp, own_home: Path):
    app = open_app(own_home, "judge")
    button(app, "Start the round").click().run()
    assert app.error[0].value == "Type your name first."

    next(one for one in app.text_input if one.label == "Your name").set_value("Ann")
    app.number_input[0].set_value(500)
    button(app, "Start the round").click().run()

    assert "1 to 12 queries, got 500" in texts(app)


def test_rounds_of_a_data_set_that_is_gone_are_not_offered(
    open_app: OpenApp, own_home: Path, own: Settings, judged: JudgingRound
):
    delete_dataset("shapes", own)

    app = open_app(own_home, "judge", round=judged.id)

    assert app.subheader[0].value == "The library is empty"
