"""Compare in every state, in process."""

from __future__ import annotations

import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

from dashboard.services.queries import Upload
from dashboard.services.run_choices import run_choices
from pipeline.files import write_atomic
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, png, published_run, texts, train


def compare_upload(app: AppTest, colour: str = "red") -> str:
    """Upload an image on Search and compare runs on it; returns its link name."""
    app.file_uploader(key="upload_file").upload("mine.png", png(colour)).run()
    ref = Upload("mine.png", png(colour)).ref
    app.switch_page("explore/compare_page.py")
    app.query_params["cq"] = ref
    app.run()
    assert not app.exception
    return ref


def test_compare_shows_both_runs_and_what_they_share(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "compare")

    assert not app.exception
    assert [one.label for one in app.metric] == [
        "AP of A",
        "AP of B",
        "B − A",
        "Overlap@24",
        "Rank-biased overlap",
    ]
    assert len(app.selectbox(key="a").options) == 2
    assert len(app.selectbox(key="b").options) == 1  # never a run with itself
    assert app.tabs[0].label.startswith("Only in A")


def test_compare_steps_on_from_the_query_on_screen(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "compare")
    older = app.query_params["cq"]
    app.button(key="compare_Next").click().run()
    second = app.query_params["cq"]

    app.query_params["cq"] = older  # the browser has not heard of the step yet
    app.button(key="compare_Next").click().run()
    assert app.query_params["cq"] not in (older, second)

    app.button(key="compare_Previous").click().run()
    assert app.query_params["cq"] == second


def test_the_query_of_compare_is_searched_with(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "compare")
    ref = app.query_params["cq"]

    next(one for one in app.button if one.label == "Search with this").click().run()

    assert not app.exception
    assert app.title[0].value == "Search"
    assert app.query_params["q"] == ref
    assert open_app(shared_home, "compare", cq=ref[3:]).query_params["cq"] == ref  # an older link


def test_another_upload_on_search_leaves_the_compared_one(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)
    first = compare_upload(app)
    app.switch_page("explore/search_page.py").run()
    app.file_uploader(key="upload_file").upload("other.png", png("blue")).run()
    second = app.query_params["q"]

    app.switch_page("explore/compare_page.py").run()
    assert app.query_params["cq"] == first
    assert not app.info
    app.switch_page("explore/search_page.py").run()
    assert app.query_params["q"] == second != first
    assert not app.info


def test_an_upload_that_one_run_cannot_encode_is_not_compared(open_app: OpenApp, own_home: Path):
    (published_run(own_home).folder / "model" / "config.json").write_text("{}", "utf-8")
    app = open_app(own_home)

    compare_upload(app)

    assert re.fullmatch(r"Run [AB] cannot encode images\.", app.error[0].proto.title)
    assert not app.metric
    app.button(key="compare_Next").click().run()
    assert app.metric


def test_compare_swaps_its_runs(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "compare")
    a, b = app.query_params["a"], app.query_params["b"]

    next(one for one in app.button if one.label == "Swap").click().run()
    assert (app.query_params["a"], app.query_params["b"]) == (b, a)

    next(one for one in app.button if one.label == "Swap").click().run()
    assert (app.query_params["a"], app.query_params["b"]) == (a, b)
    assert not app.exception


def test_compare_with_one_run_says_that_it_needs_two(open_app: OpenApp, own_home: Path):
    registry = RunRegistry(Settings(home=own_home))
    registry.delete(next(run for run in registry.all() if run.spec.method == "lsh"))

    app = open_app(own_home, "compare")

    assert not app.exception
    assert "Comparing needs two finished runs" in app.info[0].value
    assert any(one.label.startswith("Train ") for one in app.button)
    assert [one.label for one in app.get("page_link")][-1] == "Choose others"


def of_another_split(home: Path) -> None:
    run = next(one for one in RunRegistry(Settings(home=home)).all() if one.spec.method == "lsh")
    spec = run.spec.model_copy(update={"split_seed": 7})
    write_atomic((run.folder / "spec.json"), spec.model_dump_json())


def test_where_no_run_can_be_compared_the_reasons_are_listed(open_app: OpenApp, own_home: Path):
    of_another_split(own_home)

    app = open_app(own_home, "compare")

    assert not app.exception
    assert app.warning[0].proto.title == "1 run cannot be compared with run A"
    assert "split seed 7, not 0" in texts(app)
    assert not app.metric


def test_runs_that_cannot_be_compared_are_no_choice_and_a_link_says_why(
    open_app: OpenApp, own_home: Path
):
    train(Settings(home=own_home, threads=1), "shapes", method="lsh", bits=16)
    train(Settings(home=own_home, threads=1), "shapes", method="lsh", bits=24, split_seed=7)
    slugs = {one.slug[:7]: one for one in run_choices(Settings(home=own_home), "shapes")}
    other = slugs["lsh-24b"]

    app = open_app(own_home, "compare")
    assert other.label not in app.selectbox(key="b").options
    assert other.label in app.selectbox(key="a").options
    assert "1 run cannot be compared with run A" in [one.label for one in app.expander]

    a, b = slugs["lsh-16b"].slug, slugs["itq-12b"].slug
    app = open_app(own_home, "compare", a=a, b=other.slug)
    assert "split seed 7, not 0. ITQ" in app.info[0].value.replace("\\", "")
    assert (app.query_params["a"], app.query_params["b"]) == (a, b)
    assert len(app.run().info) == 1
    app.selectbox(key="b").select_index(1).run()
    assert not app.info

    app = open_app(own_home, "compare", a=a, b=a)
    assert "not compared with itself" in app.info[0].value


def test_compare_opens_with_a_verdict_and_three_queries_to_look_at(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, "compare")
    shown = texts(app)
    assert re.search(r"\*\*(A is better|B is better|Not separable)\.\*\* mAP [+-]\d", shown)
    assert "Protocol holdout" in shown

    for name in ("Best for A", "Typical", "Best for B"):
        next(one for one in app.button if one.label == name).click().run()
        assert not app.exception
        assert str(app.query_params["cq"]).startswith("ds:")


def test_compare_says_why_features_do_not_sort_equally_near_images(
    open_app: OpenApp, own_home: Path
):
    for path in Settings(home=own_home).features_path.glob("*/keys.bin"):
        path.write_bytes(path.read_bytes()[:320])

    app = open_app(own_home, "compare")

    assert not app.exception
    assert texts(app).count("Equally near images are sorted by id: ") == 1
    assert "images have no stored features" in texts(app)
