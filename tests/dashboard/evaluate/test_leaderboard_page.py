"""The leaderboard in every state, in process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.backbones.registry import load_backbone
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.metric_table import columns
from pipeline.features import FeatureCache
from pipeline.files import write_atomic
from pipeline.index import quantizers
from pipeline.index.store.base import StoreError
from pipeline.index.store.quantizers import QUANTIZERS
from pipeline.runs import distractors, growth
from pipeline.runs.measurement import evaluate_run
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, texts, train


@pytest.mark.parametrize("page", ["", "leaderboard"])
def test_an_empty_library_names_the_command_that_fills_it(
    open_app: OpenApp, tmp_path: Path, page: str
):
    app = open_app(tmp_path / "nothing", page)

    assert not app.exception
    assert app.subheader[0].value == "The library is empty"
    assert app.code[0].value == "python -m pipeline demo"


def test_the_leaderboard_has_the_table_the_protocol_and_three_charts(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "leaderboard")

    assert not app.exception
    table = app.dataframe[0].value
    assert table["Model"].tolist()[:2] == ["ITQ", "LSH"]
    assert {"cosine of features", "colours alone", "random order"} == {*table["Model"].tolist()[2:]}
    assert "protocol holdout" in texts(app)
    assert "12 queries, 48 database images" in texts(app)
    alts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    assert len(alts) == 3
    assert all("ITQ" in alt for alt in alts)


def test_alternatives_are_measured_by_a_button_then_points_and_rows(
    open_app: OpenApp, own_home: Path
):
    app = open_app(own_home, "leaderboard")

    app.get_by_key("measure_alternatives").click().run()
    app.get_by_key("alternatives").set_value(True).run()

    assert not app.exception
    assert "measure_alternatives" not in [button.key for button in app.button]
    assert {"int8", "RaBitQ", "cosine of features"} <= {*app.dataframe[0].value["Model"]}
    assert "no alternative is as small" in texts(app)
    assert "Not measured: 13 of 22 alternatives" in texts(app)  # of 48 training images
    app.get_by_key("quality").set_value("Neighbours@10").run()
    assert "% Neighbours@10" in texts(app)


def test_a_ranking_is_chosen_beside_relevance_with_what_it_costs(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home)
    dataset = load_dataset("shapes", settings)
    cache = FeatureCache(load_backbone("tiny"), settings)
    for run in RunRegistry(settings).all():
        evaluate_run(run, dataset, settings, cache, ranking="rescored@200")

    app = open_app(own_home, "leaderboard")
    assert app.get_by_key("protocol").label == "Protocol, relevance and ranking"
    assert "Bytes on disk" not in app.dataframe[0].value
    app.get_by_key("protocol").set_value("holdout · labels: class · rescored@200").run()

    assert not app.exception
    assert "ranked by Hamming distance, the first 200 rescored" in texts(app)
    assert "256 bytes per image, which are not counted" in texts(app)
    assert app.dataframe[0].value["Bytes on disk"].max() == 256


def test_the_data_of_a_chart_is_sent_when_it_is_opened(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "leaderboard")
    assert len(app.dataframe) == 1

    app.session_state["quality_map_data"] = True
    app.run()

    assert len(app.dataframe) == 2
    assert [one.label for one in app.get("download_button")] == ["CSV", "SVG", "PNG", "Spec"]


def test_the_leaderboard_filters_by_code_length(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "leaderboard")

    app.get_by_key("bits").set_value([8]).run()

    assert app.dataframe[0].value["Model"].tolist()[0] == "LSH"
    app.get_by_key("bits").set_value([]).run()
    assert not app.exception
    assert "No runs match" in app.info[0].value


def test_charts_draw_the_best_models_and_say_how_many_are_left_out(
    open_app: OpenApp, own_home: Path
):
    for method in ("lsh", "pcah", "sh", "csq", "dpn", "dpsh", "idhn"):
        train(Settings(home=own_home), "shapes", method)

    app = open_app(own_home, "leaderboard")

    captions = [caption.value for caption in app.caption]
    assert sum("The 6 best of" in caption for caption in captions) == 1


def test_runs_without_reports_leave_a_leaderboard_that_says_so(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        for report in run.folder.glob("report*.json"):
            report.unlink()

    app = open_app(own_home, "leaderboard")

    assert not app.exception
    assert app.subheader[0].value == "No run on this data set has been measured"


def test_two_protocols_are_a_choice_never_one_table(open_app: OpenApp, own_home: Path):
    train(Settings(home=own_home), "shapes", split_seed=1)

    app = open_app(own_home, "leaderboard")

    assert app.get_by_key("protocol").options == [
        "holdout · labels: class",
        "holdout · labels: class · split 1",
        "holdout · copies",
        "holdout · copies · split 1",
    ]
    models = app.dataframe[0].value["Model"].tolist()
    assert sorted(models[:2]) == ["ITQ", "LSH"]  # the run of the other protocol is not among them
    assert models.count("ITQ") == 1


def test_the_leaderboard_offers_the_ablation_view_once_there_is_a_study(
    open_app: OpenApp, own_home: Path
):
    settings = Settings(home=own_home)
    small = {"min_images": 0, "rounds": 3, "eigenvectors": 8, "neighbours": 5}
    for changes in ({}, {"globality": False}):
        train(settings, "shapes", method="ud2h", config=small | changes)
    app = open_app(own_home, "leaderboard")
    assert app.subheader[0].value == "Quality per byte"

    app.session_state["ablation_data"] = True
    app.get_by_key("view").set_value("Ablation").run()

    assert not app.exception
    assert not app.subheader
    assert "95 % paired bootstrap over queries" in texts(app)
    assert app.dataframe[0].value["Variant"].tolist() == ["globality off"]


def test_the_leaderboard_without_a_study_has_no_ablation_view(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "leaderboard")

    assert app.get_by_key("view").options == [
        "Methods",
        "Heat table",
        "Trade-offs",
    ]


def test_the_first_columns_are_what_most_readers_came_for(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "leaderboard")

    shown = list(app.dataframe[0].proto.column_order)
    assert shown[:8] == [
        "Rank",
        "Model",
        "Bits",
        "mAP",
        "P@10",
        "Neighbours@10",
        "Bytes per image",
        "Search (ms)",
    ]
    assert app.dataframe[0].value["Rank"].tolist()[:2] == [1, 2]


def test_the_reader_chooses_columns_and_the_address_keeps_them(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "leaderboard")

    app.get_by_key("columns").set_value(["Training (s)", "NDCG@100"]).run()

    assert not app.exception
    shown = list(app.dataframe[0].proto.column_order)
    assert shown == ["Rank", "Model", "Bits", "mAP", "NDCG@100", "Training (s)"]
    assert app.get_by_key("columns").proto.query_param_key == "columns"


def test_every_metric_of_the_leaderboard_can_be_chosen(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "leaderboard")

    offered = app.get_by_key("columns").options
    assert {one.title for one in columns("leaderboard")} - {"mAP"} <= set(offered)


def test_a_run_that_reaches_a_baseline_is_flagged_everywhere(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        content = json.loads((run.folder / "report.json").read_text("utf-8"))
        write_atomic((run.folder / "report.json"), json.dumps(content | {"ci_low": 0.0}))

    board = open_app(own_home, "leaderboard")
    assert "no better than" in board.dataframe[0].value["Checks"][0]
    assert {one.label: one.value for one in board.metric}["Failing checks"] == "2 of 2"
    badges = [str(one.value) for one in open_app(own_home, "runs").markdown]
    assert any("no better than" in words for words in badges)
    search = open_app(own_home)
    assert any("This run is no better than" in one.value for one in search.warning)
    report = open_app(own_home, "report")
    report.get_by_key("begin_model").click().run()
    assert any("This run is no better than" in str(one.value) for one in report.text_area)


def test_a_run_that_is_better_has_no_flag(open_app: OpenApp, own_home: Path):
    for run in RunRegistry(Settings(home=own_home)).all():
        content = json.loads((run.folder / "report.json").read_text("utf-8"))
        write_atomic((run.folder / "report.json"), json.dumps(content | {"ci_low": 1.5}))

    assert "no better than" not in texts(open_app(own_home, "runs"))
    assert not open_app(own_home).warning


def test_the_databases_quantizers_are_measured_on_demand(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    few = [one for one in QUANTIZERS if one.name in ("float32", "int8")]
    monkeypatch.setattr(quantizers, "QUANTIZERS", few)
    app = open_app(own_home, "leaderboard", view="Trade-offs")
    assert "The database's own quantizers" in [one.value for one in app.subheader]

    app.button(key="measure_quantizers").click().run()

    assert not app.exception
    table = app.dataframe[0].value
    assert table["Quantizer"].tolist() == ["float32, not quantized"] * 2 + ["scalar int8"] * 2
    assert "float32, centred, reaches" in texts(app)
    assert "engine: embedded" in texts(app)


@pytest.mark.parametrize("error", [StoreError("the disk is full"), OSError(28, "")])
def test_quantizers_that_cannot_be_measured_say_why(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(quantizers, "measure_quantizers", failing)
    app = open_app(own_home, "leaderboard", view="Trade-offs")

    app.button(key="measure_quantizers").click().run()

    assert not app.exception
    assert "the disk is full" in app.error[0].value


def test_same_kind_stands_against_same_thing_and_copies_alone_do_not(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "leaderboard")
    assert "Same kind against same thing" in [one.value for one in app.subheader]

    app.get_by_key("protocol").set_value("holdout · copies").run()

    assert not app.exception
    assert "Same kind against same thing" not in [one.value for one in app.subheader]
    assert "perceptual hash" in app.dataframe[0].value["Model"].tolist()
    assert "is not measured here yet" not in texts(app)


def test_growth_is_measured_on_demand_and_drawn_by_quality_or_time(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    """60 images of one label each: nothing to add, so the 48 of the database are thinned."""
    monkeypatch.setattr(distractors, "_FEWEST", 5)
    app = open_app(own_home, "leaderboard", view="Trade-offs")
    assert app.selectbox(key="grows_by").options == ["Subsamples of the database"]

    app.button(key="measure_growth").click().run()

    assert not app.exception
    assert "From 5 to 48 images (thinned), mAP of" in texts(app)
    assert "relevant images become fewer as well" in texts(app)
    assert "plain-pq-4 is left out: needs 256 training images" in texts(app)
    app.segmented_control(key="growth_quality").set_value("Search time").run()
    assert not app.exception
    chart = next(one for one in app.get("vega_lite_chart") if "Search (ms" in one.proto.alt)
    assert "float32, 256 bytes" in chart.proto.alt


def test_growth_that_cannot_be_measured_says_why(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    def failing(*_: object, **__: object) -> None:
        raise OSError(28, "")

    monkeypatch.setattr(growth, "measure_growth", failing)
    app = open_app(own_home, "leaderboard", view="Trade-offs")

    app.button(key="measure_growth").click().run()

    assert not app.exception
    assert "the disk is full" in app.error[0].value
