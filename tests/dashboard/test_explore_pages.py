"""Compare, Bits and the Index tab as pages: normal, empty and failing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.explore import bits_parts
from dashboard.services.queries import Upload
from dashboard.services.run_choices import run_choices
from pipeline.analysis.opened_run import open_run
from pipeline.annotations.bit_names import BitNames
from pipeline.annotations.verdicts import Verdicts
from pipeline.datasets.dataset import load_dataset
from pipeline.evaluation.metrics import average_precision
from pipeline.evaluation.ranking import HashCodes, hamming_histograms
from pipeline.index.index_jobs import requested, serve
from pipeline.index.publish import publish, read_index
from pipeline.index.store.opening import open_store
from pipeline.runs.registry import RunRegistry
from pipeline.settings import Settings
from tests.dashboard.pages import OpenApp, link_on, png, published_run, texts


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


def compare_upload(app: AppTest, colour: str = "red") -> str:
    """Upload an image on Search and compare runs on it; returns its link name."""
    app.file_uploader(key="upload_file").upload("mine.png", png(colour)).run()
    ref = Upload("mine.png", png(colour)).ref
    app.switch_page("explore/compare_page.py")
    app.query_params["cq"] = ref
    app.run()
    assert not app.exception
    return ref


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

    assert not app.code
    next(one for one in app.button if one.label.startswith("Store the image")).click().run()
    link = dict(parse_qsl(link_on(app).partition("?")[2]))
    assert link["cq"] == ref
    back = open_app(own_home, "compare", **link)
    assert back.query_params["cq"] == ref
    assert [one.value for one in back.metric] == [one.value for one in app.metric]

    back.button(key="compare_Next").click().run()
    assert back.query_params["cq"].startswith("ds:")
    assert back.metric[0].value != "–"


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
    assert "Comparing needs two finished runs" in [one.value for one in app.subheader]
    assert [one.label for one in app.get("page_link")][-1] == "Train another"


def test_compare_refuses_runs_of_another_split(open_app: OpenApp, own_home: Path):
    run = next(r for r in RunRegistry(Settings(home=own_home)).all() if r.spec.method == "lsh")
    spec = run.spec.model_copy(update={"split_seed": 7})
    (run.folder / "spec.json").write_text(spec.model_dump_json(), "utf-8")

    app = open_app(own_home, "compare")

    assert not app.exception
    assert "split seed differ" in app.warning[0].value


@pytest.mark.parametrize("view", ["What if", "Bit cards", "Robustness", "Code map", "Other run"])
def test_every_view_of_bits_is_drawn(open_app: OpenApp, shared_home: Path, view: str):
    app = open_app(shared_home, "bits")
    app.segmented_control(key="view").set_value(view).run()

    assert not app.exception
    assert not app.error


def test_a_named_bit_is_called_by_its_name_wherever_it_differs(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    run = published_run(own_home)
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Bit cards").run()
    assert "name" not in app.dataframe[0].proto.column_order
    app.number_input(key="bit").set_value(3).run()
    app.text_input(key=f"bit_name:{run.id}:3").set_value("warm *stripes*").run()

    assert BitNames.of(run).all() == {3: "warm *stripes*"}
    assert "name" in app.dataframe[0].proto.column_order
    app.segmented_control(key="view").set_value("What if").run()
    assert "Named bits" not in texts(app)
    app.multiselect(key="flip").set_value([2, 3]).run()
    assert "Named bits that differ: 3 (warm *stripes*)." in texts(app)

    for bit in range(1, 13):
        BitNames.of(run).set(bit, f"name {bit}")
    opened = open_run(run.id, Settings(home=own_home))
    far = int(opened.database_rows[-1])
    shown = texts(drawer_of(own_home, monkeypatch, row=far, run_id=run.id))
    n_differ = int(re.search(r"(\d+) of 12 bits differ", shown)[1])
    assert n_differ > 0
    assert len(re.findall(r"\(name \d+\)", shown)) == n_differ


def test_a_name_that_cannot_be_stored_is_said(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(BitNames, "set", full)
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Bit cards").run()
    app.text_input(key=f"bit_name:{published_run(own_home).id}:1").set_value("warm").run()

    assert app.error[0].proto.title == "The name was not stored"
    assert "no space left" in app.error[0].value


def test_the_code_map_says_how_many_of_its_lines_are_drawn(
    open_app: OpenApp, shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    app = open_app(shared_home, "bits")
    app.segmented_control(key="view").set_value("Code map").run()
    assert (
        "A line joins two codes that are at most 2 bits apart and have the same majority label."
        in texts(app)
    )

    monkeypatch.setattr(bits_parts, "_MOST_LINKS", 2)
    assert re.search(r"label; the nearest 2 of \d+ are drawn\.", texts(app.run()))


def test_bits_of_another_run_are_matched_named_and_linked(open_app: OpenApp, own_home: Path):
    run = published_run(own_home)
    BitNames.of(run).set(3, "warm")
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Other run").run()

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
    assert f"view=Other+run&beside={slug}&" in link_on(app)

    app = open_app(own_home, "bits", beside="gone-1")
    app.query_params["beside"] = "gone-1"
    app.segmented_control(key="view").set_value("Other run").run()
    assert "This link refers to a run that no longer exists (gone\\-1)" in app.info[0].value


def test_a_single_run_has_no_other_to_align_with(open_app: OpenApp, own_home: Path):
    registry = RunRegistry(Settings(home=own_home))
    registry.delete(next(run for run in registry.all() if run.spec.method == "lsh"))
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Other run").run()

    assert not app.exception
    assert "the only finished run" in app.info[0].value


def test_bits_without_a_method_say_why(open_app: OpenApp, own_home: Path):
    shutil.rmtree(published_run(own_home).folder / "model")
    app = open_app(own_home, "bits")
    app.segmented_control(key="view").set_value("Robustness").run()

    assert not app.exception
    assert app.error[0].proto.title == "This run cannot encode images."


def test_an_upload_of_an_image_without_a_stored_code_is_probed(open_app: OpenApp, own_home: Path):
    run, dataset = published_run(own_home), load_dataset("shapes", Settings(home=own_home))
    codes, rows = run.load_codes("query")
    run.save_codes("query", codes[1:], rows[1:])
    content = dataset.image_path(int(rows[0])).read_bytes()
    app = open_app(own_home)
    app.file_uploader(key="upload_file").upload("copy.png", content).run()
    app.switch_page("explore/bits_page.py").run()

    app.segmented_control(key="view").set_value("Robustness").run()

    assert not app.exception
    assert "flipped at least once" in texts(app)


def test_an_upload_is_probed_and_ranked_under_another_run(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home)
    app.file_uploader(key="upload_file").upload("mine.png", png()).run()
    app.switch_page("explore/bits_page.py").run()
    app.segmented_control(key="view").set_value("Robustness").run()
    assert not app.exception
    assert "flipped at least once" in texts(app)

    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    other = run_choices(Settings(home=shared_home), "shapes")[1].id
    row = int(opened.database_rows[3])
    app = AppTest.from_function(upload_beside, args=(opened.id, row, png()), default_timeout=30)
    app.run()
    app.selectbox(key="other_run").set_value(other).run()
    assert not app.exception
    assert re.search(r"Rank in that run</div><div[^>]*>rank \d+( to \d+)? · \d/8<", texts(app))


def upload_beside(run_id: str, row: int, content: bytes) -> None:
    """What the drawer shows of an image beside an upload, as a page of its own."""
    from dashboard import cached, state
    from dashboard.services.queries import Upload
    from dashboard.widgets import query_panel, why_near

    if not state.query():
        state.keep_upload(Upload("mine.png", content))
    opened = cached.search.opened(run_id)
    _, asked = query_panel.encoded_query(state.query(), "ds:0", opened)
    why_near.show_why_near(row, opened, asked)


def test_the_index_tab_asks_the_worker_and_shows_what_came_of_it(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")
    settings, run = Settings(home=own_home), published_run(own_home)
    app = open_app(own_home, "runs", job=run.id)

    app.button(key="index_publish").click().run()

    assert not app.exception
    assert requested(run).action == "publish"
    assert "Waiting for the worker: publish" in app.info[-1].value
    assert serve(settings) == 1
    app.run()
    assert read_index(run).collection.endswith("__v2")
    assert "Last request: publish" in texts(app)


def test_deleting_a_published_run_is_left_to_the_worker(
    open_app: OpenApp, own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HASHLENS_START_WORKER", "0")
    settings, run = Settings(home=own_home), published_run(own_home)
    app = open_app(own_home, "runs", job=run.id)

    next(one for one in app.button if one.label == "Delete it").click().run()

    assert not app.exception
    assert requested(run).action == "delete"
    assert "Waiting for the worker: delete" in app.info[-1].value
    assert serve(settings) == 1
    app.run()
    assert not app.exception
    assert not run.folder.exists()


def test_verifying_from_the_page_says_what_was_compared(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "runs", job=published_run(shared_home).id)

    app.button(key="index_verify").click().run()

    assert not app.exception
    assert "48 codes" in app.success[0].value


def downloads(app: AppTest) -> list[str]:
    return [one.label for one in app.get("download_button")]


def opened_drawer(row: int, run_id: str | None) -> None:
    """What a click in Browse calls, as a page of its own."""
    from dashboard import cached, state
    from dashboard.explore import browse_gallery

    state.set_run(run_id)
    browse_gallery.open_drawer(cached.library.dataset("shapes"), row)


def drawer_of(home: Path, monkeypatch: pytest.MonkeyPatch, **given: object) -> AppTest:
    monkeypatch.setenv("HASHLENS_HOME", str(home))
    app = AppTest.from_function(opened_drawer, kwargs=given, default_timeout=30).run()
    assert not app.exception
    return app


def test_a_drawer_of_browse_explains_an_image_as_search_does(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    app = drawer_of(
        shared_home, monkeypatch, row=int(opened.database_rows[3]), run_id=opened.run.id
    )

    shown = texts(app)
    assert "SHA-256" in shown
    assert "Compared with the query on Search" in shown
    assert "of 12 bits differ" in shown
    assert [one.label for one in app.button] == [
        "Mark right",
        "Mark wrong",
        "Search with this",
        "Compare runs on this image",
    ]
    assert app.selectbox(key="other_run").options == [
        one.label for one in run_choices(Settings(home=shared_home), "shapes")[1:]
    ]


def test_a_drawer_of_browse_without_a_run_knows_only_the_image(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
):
    app = drawer_of(shared_home, monkeypatch, row=3, run_id=None)

    assert "SHA-256" in texts(app)
    assert not app.button


def test_a_drawer_of_browse_survives_a_run_that_cannot_be_opened(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    run = published_run(own_home)
    (run.folder / "codes" / "database.npz").write_bytes(b"damaged")

    app = drawer_of(own_home, monkeypatch, row=3, run_id=run.id)

    assert "no usable database codes" in app.toast[0].value
    assert "SHA-256" in texts(app)


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


def publish_again(home: Path) -> None:
    run, settings = published_run(home), Settings(home=home)
    store = open_store(None, settings.index_path)
    publish(run, load_dataset("shapes", settings), store, force=True)
    store.close()


def tiles_of(app: AppTest, label: str) -> list[tuple[str, int]]:
    """Headings and numbers of tiles in a gallery; empty when it is not on the page."""
    for one in app.get("bidi_component"):
        drawn = json.loads(one.proto.json)
        if drawn["label"] == label:
            return [(group["heading"], len(group["items"])) for group in drawn["groups"]]
    return []


def test_an_outdated_link_says_how_many_results_differ_while_its_index_is_kept(
    open_app: OpenApp, own_home: Path
):
    run = published_run(own_home)
    made = dict(parse_qsl(link_on(open_app(own_home)).partition("?")[2]))
    publish_again(own_home)
    app = open_app(own_home, **made)
    assert app.info[0].value.endswith("(v1 then, v2 now); the results are the same.")
    assert tiles_of(app, "Results that differ") == []

    made = dict(parse_qsl(link_on(app).partition("?")[2]))
    codes, rows = run.load_codes("query")
    run.save_codes("added", codes, rows)  # with these, others are nearest
    publish_again(own_home)
    app = open_app(own_home, **made)
    said = re.search(
        r"[(]v2 then, v3 now[)] and it holds 12 more images; (\d+) of the 24 results differ[.]",
        app.info[0].value,
    )
    n = int(said[1])
    assert tiles_of(app, "Results that differ") == [(f"New: {n}", n), (f"Gone: {n}", n)]

    publish_again(own_home)  # keeps the third version, not the second
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


def test_copy_link_names_what_bits_shows(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "bits")
    app.multiselect(key="flip").set_value([2, 5]).run()
    app.multiselect(key="mute").set_value([7]).run()
    assert "view=What+if&flip=2&flip=5&mute=7&q=ds" in link_on(app)

    app.segmented_control(key="view").set_value("Bit cards").run()
    app.number_input(key="bit").set_value(3).run()

    assert "view=Bit+cards&" in link_on(app)
    assert "&bit=3&ix=" in link_on(app)


def test_another_order_says_what_encoding_and_ordering_cost(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, q="ds:5", order="Relaxed query")
    cost = r"47 images ordered by relaxed query: encoding (\d+ ms|[\d.]+ s) \+ ordering \d+ ms"
    first = re.search(cost, texts(app))[1]
    assert re.search(cost, texts(app.run()))[1] == first  # of the pass that was made

    app.file_uploader(key="upload_file").upload("mine.png", png()).run()
    assert "48 images ordered by relaxed query: ordering" in texts(app)  # encoded anyway


def test_verdicts_can_be_downloaded_once_there_are_any(open_app: OpenApp, own_home: Path):
    settings = Settings(home=own_home)
    app = open_app(own_home, "browse")
    assert "Verdicts as CSV (0)" in downloads(app)
    dataset = load_dataset("shapes", settings)
    sha256 = dataset.manifest["sha256"].iloc[0]
    Verdicts.of("shapes", dataset.info.label_sets[0].name, settings).set_verdict(
        sha256, "", "unsure"
    )

    assert "Verdicts as CSV (1)" in downloads(app.run())


def test_muted_bits_are_priced_in_map(open_app: OpenApp, shared_home: Path):
    app = open_app(shared_home, "bits")
    assert "mAP without" not in texts(app)
    opened = open_run(published_run(shared_home).id, Settings(home=shared_home))
    kept = [bit for bit in range(opened.bits) if bit not in (1, 6)]
    labels = opened.labels[opened.query_rows], opened.labels[opened.database_rows]
    codes = [
        HashCodes.from_relaxed(one.signs()[:, kept].astype(np.float32))
        for one in (opened.query_codes, opened.database_codes)
    ]
    expected = 100 * average_precision(hamming_histograms(*codes, *labels)).mean()

    app.multiselect(key="mute").set_value([2, 7]).run()

    assert not app.exception
    assert f"mAP without the muted bits {expected:.1f} %" in texts(app)
    app.multiselect(key="mute").set_value(list(range(1, 13))).run()
    assert not app.exception
    assert "mAP without" not in texts(app)
