"""Links: what they restore, and what they say has changed since."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.services.queries import Upload
from dashboard.services.run_choices import run_choices
from pipeline.annotations.bit_names import BitNames
from pipeline.datasets.dataset import load_dataset
from pipeline.index.publish import publish
from pipeline.index.store.opening import open_store
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, link_on, png, published_run, texts


def compare_upload(app: AppTest, colour: str = "red") -> str:
    """Upload an image on Search and compare runs on it; returns its link name."""
    app.file_uploader(key="upload_file").upload("mine.png", png(colour)).run()
    ref = Upload("mine.png", png(colour)).ref
    app.switch_page("explore/compare_page.py")
    app.query_params["cq"] = ref
    app.run()
    assert not app.exception
    return ref


def publish_again(home: Path) -> None:
    run, settings = published_run(home), Settings(home=home)
    store = open_store(None, settings.index_path)
    publish(run, load_dataset("shapes", settings), store, images="database", force=True)
    store.close()


def tiles_of(app: AppTest, label: str) -> list[tuple[str, int]]:
    """Headings and numbers of tiles in a gallery; empty when it is not on the page."""
    for one in app.get("bidi_component"):
        drawn = json.loads(one.proto.json)
        if drawn.get("label") == label:
            return [(group["heading"], len(group["items"])) for group in drawn["groups"]]
    return []


def test_an_upload_is_compared_and_its_link_brings_it_back(open_app: OpenApp, own_home: Path):
    app = open_app(own_home)
    ref = compare_upload(app)

    assert app.query_params["cq"] == ref
    ap_a, ap_b, gain, overlap, _ = (one.value for one in app.metric)
    assert ap_a == ap_b == gain == "–"
    assert "AP is unknown" in texts(app)
    assert re.fullmatch(r"\d+ of 24", overlap)
    assert "mine.png" in texts(app)
    lost = open_app(own_home, "compare", cq=ref)
    assert "Upload it again" in lost.info[0].value
    assert lost.query_params["cq"].startswith("ds:")

    next(one for one in app.button if one.label.startswith("Store the image")).click().run()
    link = dict(parse_qsl(link_on(app).partition("?")[2]))
    assert link["cq"] == ref
    back = open_app(own_home, "compare", **link)
    assert back.query_params["cq"] == ref
    assert [one.value for one in back.metric] == [one.value for one in app.metric]

    back.button(key="compare_Next").click().run()
    assert back.query_params["cq"].startswith("ds:")
    assert back.metric[0].value != "–"


def beside_another(app: AppTest) -> AppTest:
    app.segmented_control(key="view").set_value("One bit").run()
    return app.segmented_control(key="bit_view").set_value("Beside another run").run()


def test_bits_of_another_run_are_matched_named_and_linked(open_app: OpenApp, own_home: Path):
    run = published_run(own_home)
    BitNames.of(run).set(3, "warm")
    app = beside_another(open_app(own_home, "codes"))

    assert not app.exception
    assert re.search(
        r"\d+ of 12 bits have a counterpart in LSH · 8 bits \(which has 8\) with \|r\| ≥ 0.7",
        texts(app),
    )
    table = app.dataframe[0].value
    assert sorted(table["bit"]) == list(range(1, 13))
    assert sorted(table["counterpart"].dropna()) == list(range(1, 9))  # each once
    assert table.set_index("bit").loc[3, "name"] == "warm"
    assert "theirs" not in app.dataframe[0].proto.column_order
    slug = app.selectbox(key="beside").value
    assert f"&bit_view=Beside+another+run&bit=1&beside={slug}&" in link_on(app)

    app = open_app(own_home, "codes", beside="gone-1")
    app.query_params["beside"] = "gone-1"
    beside_another(app)
    assert "This link refers to a run that no longer exists (gone\\-1)" in app.info[0].value


def test_copy_link_names_what_compare_shows(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "compare")

    link = link_on(app)

    assert all(f"&{name}=" in link for name in ("a", "b", "cq", "ix"))
    app.query_params["ix"] = "00000000.v9.1_00000000.v9.1"
    assert "the content of the data set has changed" in app.run().info[0].value


def test_a_link_to_a_run_that_is_gone_says_so_until_another_is_chosen(
    open_app: OpenApp, shared_home: Path
):
    app = open_app(shared_home, run="<b>-12b-000000", ix="00000000.v9.1", v="1", p="1")

    shown = run_choices(Settings(home=shared_home), "shapes")[0].label
    assert [one.value.replace("\\", "") for one in app.info] == [
        "This link refers to a run that no longer exists (<b>-12b-000000); "
        f"{shown} is shown instead."
    ]
    app.run()
    assert len(app.info) == 1
    app.sidebar.selectbox(key="run").select_index(1).run()
    assert not app.info


def test_a_link_to_a_data_set_that_is_gone_says_only_that(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, ds="gone", run="itq-1", q="ds:5", ix="00000000.v9.1", v="1")

    assert [one.value for one in app.info] == [
        "This link refers to a data set that no longer exists (gone); shapes is shown instead."
    ]
    assert app.query_params["q"] != "ds:5"  # another image here
    kept = app.query_params["q"]
    assert app.run().query_params["q"] == kept


def test_compare_says_which_runs_of_a_link_are_gone(open_app: OpenApp, shared_home: Path):
    first, second = (one.slug for one in run_choices(Settings(home=shared_home), "shapes"))

    app = open_app(shared_home, "compare", run="old-1", a="old-1", b=first)
    assert "a run that no longer exists (old-1); LSH" in app.info[0].value.replace("\\", "")
    assert len(app.info) == 1
    assert (app.query_params["a"], app.query_params["b"]) == (second, first)

    app = open_app(shared_home, "compare", run="old-1", a="old-1", b="old-2")
    assert "runs that no longer exist (old-1 and old-2); ITQ" in app.info[0].value.replace("\\", "")
    assert len(app.info) == 1


def test_what_has_changed_since_a_link_is_not_said_of_another_run(
    open_app: OpenApp, shared_home: Path
):
    older = {"ix": "00000000.v9.1", "v": "1"}
    app = open_app(shared_home, **older)
    assert "the content of the data set has changed" in app.info[0].value

    app.sidebar.selectbox(key="run").select_index(1).run()
    assert not app.info

    link = link_on(open_app(shared_home))
    made = dict(parse_qsl(link.partition("?")[2]))
    app = open_app(shared_home, **{**made, "ix": re.sub("[.]v1[.]", ".v9.", made["ix"])})
    assert "the index was built again (v9 then, v1 now)" in app.info[0].value
    app.sidebar.selectbox(key="run").select_index(1).run()
    assert not app.info
    assert not open_app(shared_home, **app.query_params).info  # the page is loaded again


def test_a_link_without_a_mark_of_its_run_is_forgotten_with_that_run(
    open_app: OpenApp, shared_home: Path
):
    made = dict(parse_qsl(link_on(open_app(shared_home)).partition("?")[2]))
    older = re.sub("[.]v1[.]([0-9]+)[.].*", r".v9.\1", made["ix"])
    app = open_app(shared_home, **{**made, "ix": older})
    assert "the index was built again (v9 then, v1 now)" in app.info[0].value
    assert app.query_params["ix"] == older

    app.sidebar.selectbox(key="run").select_index(1).run()
    assert "ix" not in app.query_params
    assert not open_app(shared_home, **app.query_params).info  # the page is loaded again


def test_an_outdated_link_says_how_many_results_differ_while_its_index_is_kept(
    open_app: OpenApp, own_home: Path
):
    run = published_run(own_home)
    publish_again(own_home)
    made = dict(parse_qsl(link_on(open_app(own_home)).partition("?")[2]))
    publish_again(own_home)
    app = open_app(own_home, **made)
    assert app.info[0].value.endswith("(v2 then, v3 now); the results are the same.")
    assert tiles_of(app, "Results that differ") == []

    made = dict(parse_qsl(link_on(app).partition("?")[2]))
    codes, rows = run.load_codes("query")
    run.save_codes("added", codes, rows)  # with these, others are nearest
    publish_again(own_home)
    app = open_app(own_home, **made)
    said = re.search(
        r"[(]v3 then, v4 now[)] and it holds 12 more images; (\d+) of the 24 results differ[.]",
        app.info[0].value,
    )
    n = int(said[1])
    assert tiles_of(app, "Results that differ") == [(f"New: {n}", n), (f"Gone: {n}", n)]

    publish_again(own_home)  # keeps the fourth version, not the third
    assert "; results may differ." in open_app(own_home, **made).info[0].value
    made = dict(parse_qsl(link_on(open_app(own_home)).partition("?")[2]))
    assert not open_app(own_home, **made).info


def test_a_link_notices_that_its_run_was_trained_again(open_app: OpenApp, own_home: Path):
    run = published_run(own_home)
    made = dict(parse_qsl(link_on(open_app(own_home)).partition("?")[2]))
    run.folder.rename(run.folder.with_name("2099" + run.id[4:]))
    st.cache_data.clear()

    app = open_app(own_home, **made)

    assert [one.value for one in app.info] == [
        "Since this link was made, the run was trained again; results may differ."
    ]


def test_copy_link_names_what_codes_shows(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "codes", flip=["2", "5"], mute="7")
    assert "view=One+query&query_view=Flip+its+bits&" in link_on(app)
    assert "&flip=2&flip=5&mute=7&q=ds" in link_on(app)

    app.segmented_control(key="view").set_value("One bit").run()
    app.session_state["bit"] = 3
    app.run()

    assert "view=One+bit&" in link_on(app)
    assert "&bit=3&q=ds" in link_on(app)
