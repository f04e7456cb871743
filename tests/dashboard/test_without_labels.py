"""Every page on images without labels: runs are judged by the neighbours of their features."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.services import comparing
from models.backbones.registry import load_backbone
from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import load_dataset
from pipeline.features import FeatureCache
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.ingest.ingest import import_dataset
from pipeline.ingest.sources import SourceRequest, open_source
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, button, draw_images, texts, train
from tests.factories import copied_library

PAGES = (
    *("overview", "search", "compare", "codes", "browse"),
    *("leaderboard", "curves", "failures", "judge", "advisor"),
    *("train", "runs", "report", "status"),
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 images in one folder, two runs, one of them published."""
    root = tmp_path_factory.mktemp("bare")
    draw_images(root / "drawn")
    (root / "photos").mkdir()
    for number, path in enumerate(sorted((root / "drawn").rglob("*.png"))):
        path.rename(root / "photos" / f"{number:032x}.png")  # as content hashes name them
    settings = Settings(home=root / "home", threads=1)
    dataset = import_dataset(open_source("folder", SourceRequest(path=root / "photos")), settings)
    published = train(settings, dataset.info.name)
    train(settings, dataset.info.name, method="lsh", bits=8)
    store = open_store(None, settings.index_path)
    publish(published, dataset, store)
    store.close()
    return settings.home


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_and_none_excuses_itself(open_app: OpenApp, bare: Path, page: str):
    app = open_app(bare, page)

    assert not app.exception
    assert not app.error
    said = texts(app)
    assert "nothing can be measured" not in said
    assert "No run on this data set has been measured" not in said
    assert "Relevance is unknown" not in said


@pytest.mark.parametrize("page", ["leaderboard", "curves", "failures", "advisor"])
def test_evaluating_pages_say_what_they_measure(open_app: OpenApp, bare: Path, page: str):
    said = texts(open_app(bare, page))

    assert "relevant: the 10 nearest by the features' cosine" in said
    assert "fidelity to the features, not meaning" in said


def test_the_leaderboard_ranks_runs_below_their_features(open_app: OpenApp, bare: Path):
    table = open_app(bare, "leaderboard").dataframe[0].value

    assert table["Model"].tolist()[:2] == ["ITQ", "LSH"]
    assert float(table[table["Model"] == "cosine of features"]["P@10"].iloc[0]) == pytest.approx(
        100
    )


def test_failures_has_hubs_and_no_classes_to_confuse(open_app: OpenApp, bare: Path):
    app = open_app(bare, "failures", failures_view="Confusion")  # a link from another data set
    view = app.segmented_control(key="failures_view")
    assert view.options == ["Worst queries", "Hubs", "Robustness"]
    assert "rare class" not in texts(app)

    view.set_value("Hubs").run()

    assert not app.exception
    assert "are among the first 10 of no query" in texts(app)


def test_neighbours_that_are_gone_are_named_where_they_are_needed(
    open_app: OpenApp, bare: Path, tmp_path: Path
):
    home = copied_library(bare, tmp_path / "home")
    for path in (home / "baselines").glob("neighbours-*"):
        path.unlink()

    assert "the 10 nearest images by the features of tiny are not stored" in texts(
        open_app(home, "failures")
    )
    assert "the neighbours that they are measured by" in texts(open_app(home, "curves"))
    assert not open_app(home, "leaderboard").error


def test_the_advisor_begins_without_labels_to_learn_from(open_app: OpenApp, bare: Path):
    assert open_app(bare, "advisor").selectbox(key="a_labels").value == "None"


def test_a_labelled_run_is_looked_at_by_either_relevance(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home, threads=1)
    dataset = load_dataset("shapes", settings)
    cache = FeatureCache(load_backbone("tiny"), settings)
    for run in RunRegistry(settings).all():
        evaluate_run(run, dataset, settings, cache, relevance="neighbours@10")
    app = open_app(own_home, "leaderboard")
    switch = app.get_by_key("protocol")
    assert switch.options == [
        "holdout · labels: class",
        "holdout · neighbours@10",
        "holdout · copies",
    ]
    assert switch.value == switch.options[0]
    run_id, by_labels = app.session_state["run"], app.dataframe[0].value

    switch.set_value(switch.options[1]).run()

    assert not app.exception
    assert "the 10 nearest by the features' cosine" in texts(app)
    assert not app.dataframe[0].value["mAP"].equals(by_labels["mAP"])
    assert app.session_state["run"] == run_id
    app.switch_page("evaluate/failures_page.py").run()
    assert "the 10 nearest by the features' cosine" in texts(app)
    assert "Confusion" not in app.segmented_control(key="failures_view").options


def test_a_draft_says_what_was_relevant(open_app: OpenApp, bare: Path, tmp_path: Path):
    app = open_app(copied_library(bare, tmp_path / "home"), "report")
    button(app, "Draft from this run").click().run()

    assert not app.exception
    finding = app.text_area(key="report_finding").value
    assert finding.endswith("relevant: the 10 nearest by the features' cosine.")


def test_runs_measured_by_other_relevances_are_not_compared(own_home: Path):
    settings = Settings(home=own_home, threads=1)
    dataset = load_dataset("shapes", settings)
    first, second = RunRegistry(settings).all()
    assert comparing.why_not(first, second, dataset.info) == ""
    cache = FeatureCache(load_backbone("tiny"), settings)
    evaluate_run(second, dataset, settings, cache, relevance="neighbours@10")
    (second.folder / "report.json").unlink()

    found = comparing.why_not(first, second, dataset.info)

    assert found == "measured by neighbours@10, not labels"


def test_results_are_marked_right_or_wrong_without_labels(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = copied_library(bare, tmp_path / "home")
    monkeypatch.setenv("HASHLENS_HOME", str(home))

    def script(run_id: str) -> None:
        from dashboard import cached
        from dashboard.widgets.verdict_buttons import show_verdict_buttons

        opened = cached.search.opened(run_id)
        show_verdict_buttons(opened, opened.sha256(0), opened.sha256(1))

    run = RunRegistry(Settings(home=home)).all()[0]
    app = AppTest.from_function(script, args=(run.id,), default_timeout=30).run()
    assert button(app, "Mark right")
    first, second = load_dataset("photos", Settings(home=home)).manifest["sha256"].iloc[:2]

    Verdicts.of("photos", "", Settings(home=home)).set_verdict(first, second, "relevant")

    app.run()
    assert not app.exception
    assert "Marked relevant" in texts(app)
    assert button(app, "Undo")


def test_people_judge_runs_on_images_without_labels(open_app: OpenApp, bare: Path, tmp_path: Path):
    home = copied_library(bare, tmp_path / "home")
    app = open_app(home, "judge")
    app.number_input[0].set_value(1)
    next(one for one in app.text_input if one.label == "Your name").set_value("Ann")
    button(app, "Start the round").click().run()
    button(app, "Relevant").click().run()

    assert not app.exception
    assert app.get("progress")[0].proto.text.startswith("1 of ")
